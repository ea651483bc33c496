import { expect, test } from 'vitest'
import { effectAt, Moves } from '../src/live/moves'
import type { ClassEvent, PlanAction, PlanView } from '../src/proto/protocol'

const plan = (version: number): PlanView => ({ version, runs: [] })
const told = (id: number, action: PlanAction, at: number, version: number, undone = false) =>
  ({ t: 'plan', id, action, at, undone, plan: plan(version) }) satisfies ClassEvent

function moves(): Moves {
  const made = new Moves()
  made.begin(plan(1))
  return made
}

test('a move is counted down to, and can be taken back until five seconds after it', () => {
  const made = moves()
  made.hear(told(1, { t: 'next' }, 3_000, 2), 0)
  expect(made.coming(500)).toEqual({ action: { t: 'next' }, leftMs: 2_500 })
  expect(made.coming(3_000)).toBeUndefined()
  expect(made.undoable(500, 1)).toMatchObject({ id: 1, leftMs: 7_500 })
  expect(made.undoable(8_000, 1)).toBeUndefined()
  expect(made.undoable(8_000, 20)).toMatchObject({ leftMs: 95_000 })
})

test('the plan stands as it was until the move takes effect', () => {
  const made = moves()
  made.hear(told(1, { t: 'adjust', by_s: 15 }, 3_000, 2), 0)
  made.hear(told(2, { t: 'pause' }, 4_000, 3), 1_000)
  expect([0, 2_999, 3_000, 3_999, 4_000].map((at) => made.planAt(at).version)).toEqual([1, 1, 2, 2, 3])
})

test('what is taken back is no longer counted down to, and the move before it may be taken back next', () => {
  const made = moves()
  made.hear(told(1, { t: 'adjust', by_s: 15 }, 3_000, 2), 0)
  made.hear(told(2, { t: 'pause' }, 4_000, 3), 1_000)
  expect(made.coming(1_000)!.action.t).toBe('adjust')
  made.hear(told(2, { t: 'pause' }, 4_000, 4, true), 2_000)
  expect(made.undoable(2_000, 1)!.id).toBe(1)
  expect([2_000, 3_000, 9_000].map((at) => made.planAt(at).version)).toEqual([1, 4, 4])
  made.hear(told(1, { t: 'adjust', by_s: 15 }, 3_000, 5, true), 3_500)
  expect([made.coming(3_500), made.undoable(3_500, 1), made.planAt(3_500).version]).toEqual([undefined, undefined, 5])
})

test('a move at once holds at once, also for those that are still to come', () => {
  const made = moves()
  made.hear(told(1, { t: 'pause' }, 3_000, 2), 0)
  made.hear(told(2, { t: 'next' }, 1_000, 3), 1_000)
  expect([1_000, 3_000].map((at) => made.planAt(at).version)).toEqual([3, 3])
})

test('the countdown is of real time, however fast the class runs', () => {
  expect(effectAt({ t: 'pause' }, 10_000, 1, 60_000)).toBe(13_000)
  expect(effectAt({ t: 'pause' }, 10_000, 20, 90_000)).toBe(70_000)
})

test('a move of a segment that ends before the countdown would is made at once; a pause waits', () => {
  for (const t of ['next', 'back', 'repeat', 'skip', 'hold'] as const) expect(effectAt({ t }, 10_000, 1, 2_000)).toBeUndefined()
  expect(effectAt({ t: 'adjust', by_s: 15 }, 10_000, 1, 3_000)).toBeUndefined()
  expect(effectAt({ t: 'adjust', by_s: 15 }, 10_000, 1, 3_001)).toBe(13_000)
  expect(effectAt({ t: 'next' }, 10_000, 1, undefined)).toBe(13_000)
  expect(effectAt({ t: 'pause' }, 10_000, 1, 2_000)).toBe(13_000)
})
