import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError, type ClassInfo } from '../src/net/api'
import type { Screen } from '../src/net/screens'
import { LoginNeeded } from '../src/net/socket'
import { GymScreens, hallsOf, likelyHall } from '../src/pages/coach/gym-screens.svelte'

const DOOR: Screen = { user: 'u1', name: 'TV over the door', hall: 'Hall 2' }
const BIKES: Screen = { user: 'u2', name: 'TV, Hall 10', hall: 'Hall 10' }

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function desk(no?: Error) {
  const answer = <T>(value: T) => vi.fn(async () => (no ? Promise.reject(no) : value))
  const server = { screens: answer({ screens: [BIKES, DOOR] }), pair: answer({ user: 'u3', name: 'New', hall: 'Hall 3' }), unpair: answer(null), refused: vi.fn() }
  return { screens: new GymScreens(server), server }
}

const names = (screens: GymScreens) => screens.list?.map(({ name }) => name)

test('the list is in order of halls, and what comes and goes keeps it', async () => {
  const { screens } = desk()
  expect(screens.list).toBeUndefined()
  await screens.load()
  expect(names(screens)).toEqual(['TV over the door', 'TV, Hall 10'])
  expect(await screens.pair('482913', 'Hall 3', 'New')).toMatchObject({ user: 'u3' })
  expect(names(screens)).toEqual(['TV over the door', 'New', 'TV, Hall 10'])
  expect(await screens.unpair('u1')).toBe(true)
  expect(names(screens)).toEqual(['New', 'TV, Hall 10'])
})

test('what is missing is said by its field, and the server is not asked', async () => {
  const { screens, server } = desk()
  await screens.pair('4829', 'Hall 1', 'TV')
  expect(screens.trouble).toEqual({ field: 'code', code: 'code_short' })
  await screens.pair('482913', '', 'TV')
  expect(screens.trouble).toEqual({ field: 'hall', code: 'hall_missing' })
  expect(server.pair).not.toHaveBeenCalled()
})

test('a code that no screen shows', async () => {
  const { screens } = desk(new ApiError('not_found', 404, ''))
  expect(await screens.pair('000000', 'Hall 1', 'TV')).toBeUndefined()
  expect(screens.trouble).toEqual({ field: 'code', code: 'unknown' })
  expect(screens.working).toBe(false)
})

test('after too many wrong codes nothing is tried until the time is over', async () => {
  const { screens, server } = desk(new ApiError('rate_limited', 429, '', 30_000))
  await screens.pair('000000', 'Hall 1', 'TV')
  expect(screens.lockedS).toBe(30)
  await screens.pair('482913', 'Hall 1', 'TV')
  expect(server.pair).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(29_000)
  expect(screens.lockedS).toBe(1)
  vi.advanceTimersByTime(1_000)
  expect([screens.lockedS, vi.getTimerCount()]).toEqual([0, 0])
})

test('nobody answers: what was listed stays', async () => {
  const { screens, server } = desk()
  await screens.load()
  for (const ask of [server.screens, server.pair, server.unpair]) ask.mockRejectedValue(new ApiError('network', 0, ''))
  await screens.pair('482913', 'Hall 1', 'TV')
  expect(screens.trouble).toEqual({ code: 'network' })
  expect(await screens.unpair('u1')).toBe(false)
  expect(screens.listTrouble).toBe('network')
  expect(names(screens)?.length).toBe(2)
})

test('a screen that somebody else has unpaired is gone all the same', async () => {
  const { screens, server } = desk()
  await screens.load()
  server.unpair.mockRejectedValue(new ApiError('not_found', 404, ''))
  expect(await screens.unpair('u1')).toBe(true)
  expect(names(screens)).toEqual(['TV, Hall 10'])
})

test('a log-in that is over is told to the page', async () => {
  const { screens, server } = desk(new LoginNeeded())
  await screens.load()
  expect(server.refused).toHaveBeenCalledTimes(1)
})

test('the hall of the class at hand, else of the one that runs, else of the next one, else none', () => {
  const each = (id: string, hall: string, phase: ClassInfo['phase'], starts_at_ms: number): ClassInfo => ({ class: id, name: '', hall, trainer: '', starts_at_ms, phase, people: 0 })
  const classes = [each('a', 'Hall 1', 'settled', 1), each('b', 'Hall 10', 'open', 4), each('c', 'Hall 2', 'scheduled', 3), each('d', 'Hall 1', 'live', 2)]
  expect(likelyHall(classes, 'd')).toBe('Hall 1')
  expect(likelyHall(classes, undefined)).toBe('Hall 1')
  expect(likelyHall(classes.slice(0, 3), undefined)).toBe('Hall 2')
  expect(likelyHall([], 'd')).toBe('')
  expect(hallsOf(classes)).toEqual(['Hall 1', 'Hall 2', 'Hall 10'])
})
