import { expect, test } from 'vitest'
import { ServerClock } from '../src/net/clock'

/** A server whose clock is 5,000 ms ahead, over a way that takes `out` and `back`. */
function trips(ways: [out: number, back: number][]): ServerClock {
  let local = 0
  const clock = new ServerClock(() => local)
  for (const [out, back] of ways) {
    const t0 = local
    const server = t0 + out + 5_000
    local = t0 + out + back
    clock.answered(t0, server, server)
  }
  return clock
}

test('a way as long as it is back gives the exact offset', () => {
  expect(trips([[20, 20]]).offset).toBe(5_000)
})

test('the median of five forgets a trip that stood in a queue', () => {
  const clock = trips([[5, 5], [5, 5], [5, 400], [6, 4], [4, 6]])
  expect(clock.offset).toBe(5_000)
  expect(clock.roundTrip).toBe(10)
})

test('only the last five count', () => {
  expect(trips([[500, 0], [500, 0], [500, 0], [1, 1], [1, 1], [1, 1], [1, 1], [1, 1]]).offset).toBe(5_000)
})

test('the welcome is a first value, and a new one begins anew', () => {
  let local = 100
  const clock = new ServerClock(() => local)
  clock.welcome(9_100)
  expect(clock.now()).toBe(9_100)
  clock.answered(100, 1_100, 1_100)
  local = 200
  clock.welcome(4_200)
  expect([clock.now(), clock.roundTrip]).toEqual([4_200, Infinity])
})

test('a measure asks five times', async () => {
  let asked = 0
  const clock = new ServerClock(() => 0)
  await clock.measure(async (t0) => ({ t0, t1: 7, t2: 7 + asked++ * 0 }))
  expect([asked, clock.offset]).toEqual([5, 7])
})
