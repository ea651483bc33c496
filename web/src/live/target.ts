// How one's heart stands to the target of the segment that runs.

import { ABSENT_U8, SIGNAL } from '../proto/layout'
import type { Run } from '../proto/protocol'
import { type Board, signalOf } from './ticks'

export type Aim = 'in' | 'above' | 'below'

/** Warm-up, recovery and cool-down have an upper bound only; the target holds ± 2 points, as compliance counts it. */
const SPARE = 2
const UPPER_ONLY = ['warmup', 'recover', 'cooldown']

export function aimOf(run: Run | undefined, percent: number | undefined): Aim | undefined {
  const target = run?.segment.target
  if (!target || target.t !== 'percent' || percent === undefined) return undefined
  if (percent > target.hi + SPARE) return 'above'
  if (percent < target.lo - SPARE && !UPPER_ONLY.includes(run.segment.kind)) return 'below'
  return 'in'
}

/** How many of those whose present heart rate the board shows are where the segment wants them; none where it has no such target. */
export function matchOf(board: Board, run: Run | undefined): Record<Aim, number> | undefined {
  if (run?.segment.target?.t !== 'percent') return undefined
  const match = { in: 0, above: 0, below: 0 }
  for (let slot = 0; slot < board.present.length; slot++) {
    const percent = board.percent[slot]!
    const live = board.present[slot] === 1 && signalOf(board.state[slot]!) === SIGNAL.LIVE
    const aim = live && percent !== ABSENT_U8 ? aimOf(run, percent) : undefined
    if (aim) match[aim]++
  }
  return match
}
