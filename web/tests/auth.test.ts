import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { currentLogin, goodToken, keepLogin, safeNext } from '../src/net/auth'
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

test('after a log-in one goes to a page of this site only', () => {
  const home = 'https://gym.example'
  expect(safeNext('/tv?class=1', home)).toBe('/tv?class=1')
  for (const next of [null, 'https://evil.example/tv', '//evil.example', 'javascript:alert(1)', '/login']) expect(safeNext(next, home)).toBeUndefined()
})
