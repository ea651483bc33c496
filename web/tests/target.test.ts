import { expect, test } from 'vitest'
import { aimOf, matchOf } from '../src/live/target'
import { Board } from '../src/live/ticks'
import { FLAG_FULL, SIGNAL } from '../src/proto/layout'
import type { Run } from '../src/proto/protocol'
import { pack } from './help/rows'

const run = (kind: 'work' | 'recover', lo: number, hi: number): Run => ({ segment: { kind, duration_s: 60, target: { t: 'percent', lo, hi } }, planned_ms: 60_000 })

test('two points beside the target are still in it, and a recovery has no lower bound', () => {
  const work = run('work', 70, 80)
  expect([67, 68, 82, 83].map((percent) => aimOf(work, percent))).toEqual(['below', 'in', 'in', 'above'])
  expect(aimOf(run('recover', 50, 60), 40)).toBe('in')
})

test('a hall counts only those whose heart rate it may show, and none that is old', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0, bpm: 140, percent: 75, signal: SIGNAL.LIVE }, { slot: 1, bpm: 170, percent: 91, signal: SIGNAL.LIVE }, { slot: 2, bpm: 100, percent: 52, signal: SIGNAL.LIVE }, { slot: 3 }, { slot: 4, bpm: 140, percent: 75, signal: SIGNAL.STALE }] }))
  expect(matchOf(board, run('work', 70, 80))).toEqual({ in: 1, above: 1, below: 1 })
  expect(matchOf(board, { segment: { kind: 'work', duration_s: 60 }, planned_ms: 60_000 })).toBeUndefined()
})
