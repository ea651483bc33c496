import { afterEach, expect, test, vi } from 'vitest'
import { api } from '../src/net/api'
import { pairScreen, unpairScreen } from '../src/net/screens'

const LOGIN = { token: 'tv', expires_at_ms: 1, user: 'u', gym: 'g', role: 'screen', name: 'TV' }

afterEach(() => vi.unstubAllGlobals())

function serve(status: number, body?: unknown) {
  const ask = vi.fn(async (_path: string, _options: RequestInit) => new Response(body === undefined ? null : JSON.stringify(body), { status }))
  vi.stubGlobal('fetch', ask)
  return ask
}

test('a code is asked for without a log-in and without a body', async () => {
  const pairing = { code: '482913', secret: 's', expires_at_ms: 123 }
  const ask = serve(201, pairing)
  expect(await api.newPairing()).toEqual(pairing)
  const [path, options] = ask.mock.calls[0]!
  expect([path, options.method, options.body, (options.headers as Record<string, string>).authorization]).toEqual(['/v1/pairings', 'POST', undefined, undefined])
})

test('a claim has no log-in while it waits, and one once a trainer has confirmed', async () => {
  const ask = serve(202, {})
  expect(await api.claimPairing('s')).toBeUndefined()
  expect(ask.mock.calls[0]![1].body).toBe('{"secret":"s"}')
  serve(200, LOGIN)
  expect(await api.claimPairing('s')).toEqual(LOGIN)
  serve(404, { code: 'not_found', message: '' })
  await expect(api.claimPairing('s')).rejects.toMatchObject({ status: 404, code: 'not_found' })
})

test('an answer without a body is an answer', async () => {
  const ask = serve(204)
  await unpairScreen('tok', 'u1')
  const [path, options] = ask.mock.calls[0]!
  expect([path, options.method, (options.headers as Record<string, string>).authorization]).toEqual(['/v1/screens/u1', 'DELETE', 'Bearer tok'])
})

test('what the server refuses says how long to wait', async () => {
  serve(429, { code: 'rate_limited', message: '', retry_after_ms: 30_000 })
  await expect(pairScreen('tok', '482913', 'Hall 1', 'TV')).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 30_000 })
})
