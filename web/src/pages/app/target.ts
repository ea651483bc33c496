// How one's heart stands to the target of the segment that runs.

import type { Run } from '../../proto/protocol'

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
