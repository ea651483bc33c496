import { expect, test } from 'vitest'
import { classTime, nextLookMs, planAt, timeText, untilNextSecond } from '../src/live/timer'
import type { PlanView } from '../src/proto/protocol'
import type { Header } from '../src/live/ticks'

const segment = (duration_s: number) => ({ kind: 'work' as const, duration_s })
const PLAN: PlanView = {
  version: 1,
  runs: [
    { segment: segment(60), planned_ms: 60_000, starts: 0, ends: 60_000 },
    { segment: segment(30), planned_ms: 30_000, starts: 60_000, ends: 90_000 },
    { segment: segment(0), planned_ms: 0, starts: 90_000 },
  ],
}
const header = (run: number, leftMs: number): Header => ({ epoch: 1, tick: 1, classMs: 0, phase: 4, run, leftMs, riders: 1 })

test('class time runs at the rate of the class', () => {
  expect(classTime({ class_ms: 1_000, wall_ms: 50_000, rate: 20 }, 50_500)).toBe(11_000)
})

test('the run changes exactly at its edge', () => {
  expect(planAt(PLAN, 'live', 59_999)).toMatchObject({ run: 0, leftMs: 1 })
  expect(planAt(PLAN, 'live', 60_000)).toMatchObject({ run: 1, leftMs: 30_000 })
})

test('a held run has no end', () => {
  expect(planAt(PLAN, 'live', 500_000)).toMatchObject({ run: 2, leftMs: undefined })
})

test('a pause stands still at what the tick says', () => {
  expect(planAt(PLAN, 'paused', 75_000, header(1, 12_000))).toMatchObject({ run: 1, leftMs: 12_000 })
  expect(planAt({ ...PLAN, current: 1 }, 'paused', 75_000)).toMatchObject({ run: 1 })
})

test('before and after there is no run', () => {
  expect(planAt(PLAN, 'lobby', -5_000)).toEqual({ progress: 0 })
  expect(planAt(PLAN, 'cooling', 95_000)).toEqual({ progress: 1 })
  expect(planAt({ version: 1, runs: PLAN.runs.slice(0, 2) }, 'live', 90_000)).toEqual({ progress: 1 })
})

test('progress is by time', () => {
  const two: PlanView = { version: 1, runs: PLAN.runs.slice(0, 2) }
  expect(planAt(two, 'live', 45_000).progress).toBeCloseTo(0.5)
})

test('the shown second and when it changes', () => {
  expect([timeText(37_000), timeText(36_001), timeText(0), timeText(-4), timeText(3_725_000)]).toEqual(['0:37', '0:37', '0:00', '0:00', '1:02:05'])
  expect([untilNextSecond(36_250, 1), untilNextSecond(36_000, 1), untilNextSecond(36_250, 20)]).toEqual([250, 1_000, 12.5])
})

test('a screen looks again when any of its times changes, within four milliseconds and a second', () => {
  expect(nextLookMs(1, 36_250, 2_100)).toBe(100)
  expect(nextLookMs(20, 36_250, undefined)).toBe(13)
  expect(nextLookMs(1, 36_250.4, undefined)).toBe(251)
  expect(nextLookMs(1, 1, undefined)).toBe(4)
  expect(nextLookMs(1, undefined)).toBe(1_000)
})
