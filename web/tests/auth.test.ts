import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError } from '../src/net/api'
import { asking, currentLogin, goodToken, keepLogin, loginAddress, safeNext } from '../src/net/auth'
import { LoginNeeded } from '../src/net/socket'

const LOGIN = { token: 'old', expires_at_ms: 1_000_000, user: 'u', gym: 'g', role: 'trainer' as const, name: 'Ana' }
const answer = (status: number, body: unknown) => vi.fn(async () => new Response(JSON.stringify(body), { status }))

beforeEach(() => {
  const kept = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) })
})
afterEach(() => vi.unstubAllGlobals())

test('a token that is good is taken as it is', async () => {
  keepLogin(LOGIN)
  expect(await goodToken(false, 500_000)).toBe('old')
})

test('near its end it is refreshed, once for all who ask', async () => {
  keepLogin(LOGIN)
  const ask = answer(200, { ...LOGIN, token: 'new', expires_at_ms: 9_000_000 })
  vi.stubGlobal('fetch', ask)
  expect(await Promise.all([goodToken(false, 950_000), goodToken(false, 950_000)])).toEqual(['new', 'new'])
  expect(ask).toHaveBeenCalledTimes(1)
  expect(currentLogin()!.token).toBe('new')
})

test('a refused token needs a new log-in; a server that is away does not', async () => {
  keepLogin(LOGIN)
  vi.stubGlobal('fetch', vi.fn(async () => Promise.reject(new TypeError('network'))))
  await expect(goodToken(true, 0)).rejects.toMatchObject({ code: 'network' })
  expect(currentLogin()).toBeDefined()
  vi.stubGlobal('fetch', answer(401, { code: 'unauthorised', message: '' }))
  await expect(goodToken(true, 0)).rejects.toBeInstanceOf(LoginNeeded)
  expect(currentLogin()).toBeUndefined()
})

test('a token that is refused too early, as a wrong clock has it, is refreshed once and asked with again', async () => {
  keepLogin(LOGIN)
  vi.stubGlobal('fetch', answer(200, { ...LOGIN, token: 'new' }))
  const ask = vi.fn(async (token: string) => (token === 'new' ? 'classes' : Promise.reject(new ApiError('unauthorised', 401, ''))))
  expect(await asking(0, ask)).toBe('classes')
  expect(ask.mock.calls).toEqual([['old'], ['new']])
  await expect(asking(0, async () => Promise.reject(new ApiError('forbidden', 403, '')))).rejects.toMatchObject({ status: 403 })
})

test('after a log-in one goes to a page of this site only', () => {
  const home = 'https://gym.example'
  expect(safeNext('/tv?class=1', home)).toBe('/tv?class=1')
  const next = new URL(loginAddress('/coach?pair=482913'), home).searchParams.get('next')
  expect(safeNext(next, home)).toBe('/coach?pair=482913')
  for (const next of [null, 'https://evil.example/tv', '//evil.example', 'javascript:alert(1)', '/login']) expect(safeNext(next, home)).toBeUndefined()
})
