// Sentences of the wall that are put together from the plan.

import type { Messages } from '../i18n/messages'
import type { PlanAction, Run, Target } from '../proto/protocol'
import { timeText } from './timer'

export function targetText(target: Target, words: Messages): string {
  switch (target.t) {
    case 'percent':
      return words.plan.percent(target.lo, target.hi)
    case 'reserve':
      return words.plan.reserve(target.lo, target.hi)
    case 'ftp':
      return words.plan.ftp(target.lo, target.hi)
    case 'cadence':
      return words.plan.cadence(target.lo, target.hi)
    case 'rpe':
      return words.plan.rpe(target.lo, target.hi)
  }
}

/** What a move of the plan does, in a word: `+15 s`. */
export function moveText(action: PlanAction, { moves }: Messages): string {
  return action.t === 'adjust' ? moves.adjust(action.by_s) : moves[action.t]
}

/** `Recovery 0:30 · 60–69 %` */
export function runText(run: Run, words: Messages): string {
  const name = words.segments[run.segment.kind]
  const length = run.planned_ms > 0 ? ` ${timeText(run.planned_ms)}` : ''
  const target = run.segment.target ? ` · ${targetText(run.segment.target, words)}` : ''
  return `${name}${length}${target}`
}
