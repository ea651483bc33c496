// What the trainer does to the plan, as it is told: a move comes with the moment at which it takes effect. Until then the plan stands as
// it was and every screen counts down; for a moment after, it can be taken back.

import { LIMITS } from '../proto/layout'
import type { ClassEvent, Phase, PlanAction, PlanView } from '../proto/protocol'

/** A move of the plan, in force from `at` of class time. */
export interface PlanMove {
  id: number
  action: PlanAction
  at: number
}

/** A move that is to come, and the class milliseconds until then. */
export interface Coming {
  action: PlanAction
  leftMs: number
}

/** A plan, and since when it holds. */
interface Valid {
  from: number
  plan: PlanView
}

/** Moves that make a phase; the end of a plan by itself is told. */
const MAKES: Partial<Record<PlanAction['t'], Phase>> = { start: 'live', pause: 'paused', resume: 'live', end: 'cooling' }

const KEPT_MAX = 32

export class Moves {
  /** Not taken back, oldest first. */
  private kept: PlanMove[] = []
  /** The plan that holds, then those that moves to come will make of it. */
  private plans: Valid[] = [{ from: -Infinity, plan: { version: 0, runs: [] } }]

  /** A plan told whole. Moves that were told before may have been taken back meanwhile. */
  begin(plan: PlanView): void {
    this.kept = []
    this.plans = [{ from: -Infinity, plan }]
  }

  hear({ id, action, at, undone, plan }: Extract<ClassEvent, { t: 'plan' }>, classMs: number): void {
    const others = this.kept.filter((each) => each.id !== id)
    this.kept = undone ? others : [...others, { id, action, at }].slice(-KEPT_MAX)
    const ahead = this.plans.filter((each) => each.from > classMs && (!undone || each.from < at))
    const holds: Valid = { from: -Infinity, plan: this.planAt(classMs) }
    if (undone) {
      // The last of those that are left is told anew, without what was taken back.
      this.plans = ahead.length ? [holds, ...ahead.slice(0, -1), { ...ahead.at(-1)!, plan }] : [{ ...holds, plan }]
    } else if (at > classMs) {
      this.plans = [holds, ...ahead, { from: at, plan }].slice(-KEPT_MAX)
    } else {
      this.plans = [{ ...holds, plan }, ...ahead.map((each) => ({ ...each, plan }))]
    }
  }

  /** The plan as it holds then. */
  planAt(classMs: number): PlanView {
    return (this.plans.findLast((each) => each.from <= classMs) ?? this.plans[0]!).plan
  }

  /** The phase then, where it was told at `toldAt`: what moves have made of it since. */
  phaseAt(told: Phase, toldAt: number, classMs: number): Phase {
    const since = this.kept.filter(({ at }) => at > toldAt && at <= classMs).sort((a, b) => a.at - b.at)
    return since.reduce((phase, { action }) => MAKES[action.t] ?? phase, told)
  }

  /** The next one to take effect. */
  coming(classMs: number): Coming | undefined {
    const ahead = this.kept.filter((each) => each.at > classMs).sort((a, b) => a.at - b.at)[0]
    return ahead && { action: ahead.action, leftMs: ahead.at - classMs }
  }

  /** The last one, where it can still be taken back, and the class milliseconds for which it can. */
  undoable(classMs: number, rate: number): (PlanMove & { leftMs: number }) | undefined {
    const last = this.kept.at(-1)
    const leftMs = last ? last.at + LIMITS.UNDO_MS * rate - classMs : 0
    return last && leftMs > 0 ? { ...last, leftMs } : undefined
  }
}

/** Moves of the segment that runs: meant for it alone. */
const OF_SEGMENT: readonly PlanAction['t'][] = ['next', 'back', 'adjust', 'repeat', 'skip', 'hold']

/**
 * When a move takes effect: after the countdown; at once (none) where the segment that it means ends before that, because the
 * move would fall on the next one.
 */
export function effectAt(action: PlanAction, classMs: number, rate: number, leftMs: number | undefined): number | undefined {
  const countdown = LIMITS.COUNTDOWN_MS * rate
  if (OF_SEGMENT.includes(action.t) && leftMs !== undefined && leftMs <= countdown) return undefined
  return Math.round(classMs + countdown)
}
