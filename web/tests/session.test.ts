import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepLogin } from '../src/net/auth'
import { FakeSocket } from './help/fake-socket'

const LOGIN = { token: 'first', expires_at_ms: 0, user: 'u', gym: 'g', role: 'screen' as const, name: 'TV' }
const HOUR_MS = 3_600_000
const flush = () => vi.advanceTimersByTimeAsync(0)

const kept = new Map<string, string>()
const assign = vi.fn()
/** What a refresh answers: nobody is known any more. */
const refuse = vi.fn(async () => new Response(JSON.stringify({ code: 'unauthorised', message: '' }), { status: 401 }))

beforeEach(() => {
  vi.resetModules()
  vi.useFakeTimers()
  vi.clearAllMocks()
  kept.clear()
  FakeSocket.all = []
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.stubGlobal('fetch', refuse)
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) })
  vi.stubGlobal('location', { protocol: 'http:', host: 'gym', pathname: '/coach', search: '?pair=482913', assign })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const logIn = (token: string, goodMs: number) => keepLogin({ ...LOGIN, token, expires_at_ms: Date.now() + goodMs })

async function connected(loginNeeded: () => void, goodMs = HOUR_MS) {
  const session = await import('../src/ui/session.svelte')
  logIn('first', goodMs)
  expect(session.startSession(loginNeeded)).toBe(true)
  await flush()
  FakeSocket.last.welcome()
  await flush()
  expect(session.linkNow().state).toBe('live')
  return session
}

test('where nobody is logged in, the page goes to the log-in and comes back to the same address', async () => {
  const { startSession } = await import('../src/ui/session.svelte')
  expect(startSession()).toBe(false)
  expect(assign).toHaveBeenCalledWith('/login?next=%2Fcoach%3Fpair%3D482913')
})

test('a page may have its own way', async () => {
  const { startSession } = await import('../src/ui/session.svelte')
  const loginNeeded = vi.fn()
  expect(startSession(loginNeeded)).toBe(false)
  expect([loginNeeded.mock.calls.length, assign.mock.calls.length]).toEqual([1, 0])
})

test('a socket closed as unauthorised, and a refresh refused: the page hears it once', async () => {
  const loginNeeded = vi.fn()
  const session = await connected(loginNeeded)
  FakeSocket.last.closed(4501)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(session.linkNow().ended).toBe('unauthorised')
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect([loginNeeded.mock.calls.length, refuse.mock.calls.length, FakeSocket.all.length]).toEqual([1, 1, 1])
  expect(assign).not.toHaveBeenCalled()
})

test('a refresh that is refused while the socket is open ends the session too', async () => {
  const loginNeeded = vi.fn()
  const session = await connected(loginNeeded, 125_000)
  await vi.advanceTimersByTimeAsync(30_000)
  expect([loginNeeded.mock.calls.length, FakeSocket.all.length]).toEqual([1, 1])
  expect(session.linkNow().ended).toBe('unauthorised')
})

test('after a new log-in it starts again: one socket, one look a time, and the next end is heard once', async () => {
  const loginNeeded = vi.fn()
  const session = await connected(loginNeeded)
  FakeSocket.last.closed(4501)
  await vi.advanceTimersByTimeAsync(2_000)

  logIn('second', HOUR_MS)
  expect(session.startSession(loginNeeded)).toBe(true)
  await flush()
  expect(FakeSocket.all.length).toBe(2)
  expect(FakeSocket.last.protocols).toEqual(['fitconnect.v1', 'bearer.second'])
  FakeSocket.last.welcome()
  await flush()
  expect(session.linkNow().state).toBe('live')

  const timers = vi.getTimerCount()
  expect(session.startSession(loginNeeded)).toBe(true)
  expect(vi.getTimerCount()).toBe(timers)
  expect(loginNeeded).toHaveBeenCalledTimes(1)
  session.loginRefused()
  session.loginRefused()
  expect(loginNeeded).toHaveBeenCalledTimes(2)
})
