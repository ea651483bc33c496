import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError, type LoginAnswer } from '../src/net/api'
import { cleanCode, groupsOf, Pairing } from '../src/net/pairing'

const LOGIN: LoginAnswer = { token: 'tv', expires_at_ms: 9_000_000, user: 'u', gym: 'g', role: 'screen', name: 'TV' }
const AWAY = new ApiError('network', 0, '')
const GONE = new ApiError('not_found', 404, '')
const tooFast = (ms?: number) => new ApiError('rate_limited', 429, '', ms)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000)

/** A screen and its server: codes are 100001, 100002, …; the secret is `s` and the last digit. */
async function screen() {
  const server = {
    codes: 0,
    claims: [] as string[],
    /** What a claim of a secret answers: nothing is pending. */
    claim: new Map<string, LoginAnswer | ApiError>(),
    down: undefined as ApiError | undefined,
    full: undefined as ApiError | undefined,
    async newPairing() {
      const no = server.down ?? server.full
      if (no) throw no
      const code = String(100_000 + ++server.codes)
      return { code, secret: `s${server.codes}`, expires_at_ms: 0 }
    },
    async claimPairing(secret: string) {
      server.claims.push(secret)
      const said = server.down ?? server.claim.get(secret)
      if (said instanceof ApiError) throw said
      return said
    },
  }
  const seen = { codes: [] as (string | undefined)[], away: false, logins: [] as LoginAnswer[] }
  const pairing = new Pairing(server, { code: (code) => seen.codes.push(code), away: (away) => (seen.away = away), paired: (login) => seen.logins.push(login) })
  pairing.start()
  await seconds(0)
  return { server, seen, pairing }
}

test('a code is shown at once, and claimed once a second until somebody confirms it', async () => {
  const { server, seen } = await screen()
  expect(seen.codes).toEqual(['100001'])
  await seconds(3)
  expect(server.claims).toEqual(['s1', 's1', 's1'])
  server.claim.set('s1', LOGIN)
  await seconds(60)
  expect(seen.logins).toEqual([LOGIN])
  expect(server.claims.length).toBe(4)
})

test('a code gives way to the next one before it ends, and is claimed as long as it is good', async () => {
  const { server, seen } = await screen()
  await seconds(241)
  expect(seen.codes).toEqual(['100001', '100002'])
  server.claims = []
  await seconds(1)
  expect(server.claims).toEqual(['s2', 's1'])
  server.claim.set('s1', GONE)
  await seconds(1)
  server.claims = []
  await seconds(2)
  expect(server.claims).toEqual(['s2', 's2'])
  expect(seen.codes.length).toBe(2)
})

test('somebody confirms the code that was shown a moment ago', async () => {
  const { server, seen } = await screen()
  await seconds(241)
  server.claim.set('s1', LOGIN)
  await seconds(1)
  expect(seen.logins).toEqual([LOGIN])
})

test('a server that was restarted knows no code: there is a new one at once', async () => {
  const { server, seen } = await screen()
  server.claim.set('s1', GONE)
  await seconds(1)
  expect(seen.codes).toEqual(['100001', '100002'])
  expect(seen.away).toBe(false)
})

test('a server that is away is asked ever more rarely, at most each five seconds; the code stays', async () => {
  const { server, seen } = await screen()
  server.down = AWAY
  await seconds(1)
  expect(seen.away).toBe(true)
  server.claims = []
  await seconds(2 + 4 + 5 + 5)
  expect(server.claims.length).toBe(4)
  expect(seen.codes).toEqual(['100001'])
  server.down = undefined
  await seconds(5)
  expect(seen.away).toBe(false)
  server.claims = []
  await seconds(3)
  expect(server.claims.length).toBe(3)
})

test('a screen that begins without a server has a code once there is one', async () => {
  const { server, seen, pairing } = await screen()
  pairing.stop()
  server.down = new ApiError('internal', 502, '')
  const again = new Pairing(server, { code: (code) => seen.codes.push(code), away: (away) => (seen.away = away), paired: () => {} })
  again.start()
  await seconds(0)
  expect([seen.codes.at(-1), seen.away]).toEqual([undefined, true])
  server.down = undefined
  await seconds(2)
  expect([seen.codes.at(-1), seen.away]).toEqual(['100002', false])
})

test('too many codes: it waits as long as the server says, and goes on claiming what it shows', async () => {
  const { server, seen } = await screen()
  server.full = tooFast(30_000)
  await seconds(245)
  server.claims = []
  await seconds(2)
  expect(server.claims).toEqual(['s1', 's1'])
  expect([seen.codes, seen.away]).toEqual([['100001'], false])
  server.claim.set('s1', GONE)
  await seconds(1)
  expect(seen.codes).toEqual(['100001', undefined])
  server.full = undefined
  await seconds(29)
  expect(seen.codes.length).toBe(2)
  await seconds(1)
  expect(seen.codes.at(-1)).toBe('100002')
})

test('once stopped it asks nothing and says nothing', async () => {
  const { server, seen, pairing } = await screen()
  server.claim.set('s1', LOGIN)
  vi.advanceTimersByTime(1_000)
  pairing.stop()
  await seconds(10)
  expect(server.claims.length).toBe(1)
  expect(seen.logins).toEqual([])
})

test('a code is read as people write it', () => {
  for (const text of ['482913', '482 913', '482-913', ' 482\u00a0913\n', '48 29 13', '482–913', '4829137']) expect(cleanCode(text)).toBe('482913')
  expect(cleanCode('48x')).toBe('48')
  expect(groupsOf('482913')).toEqual(['482', '913'])
  expect(groupsOf('')).toEqual([])
})
