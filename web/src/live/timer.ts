// Where the plan stands at a moment of class time. Computed, never counted, so that two screens flip together and a page
// that slept is right at once.

import { NO_END, NO_RUN } from '../proto/layout'
import type { ClassClock, Phase, PlanView, Run, Target } from '../proto/protocol'
import type { Header } from './ticks'

/** Class time at a moment of the server's clock. */
export function classTime(clock: ClassClock, serverMs: number): number {
  return clock.class_ms + clock.rate * (serverMs - clock.wall_ms)
}

export interface Moment {
  /** Which run of the plan, where one is ridden. */
  run?: number
  /** Class milliseconds until it ends; none where it is held. */
  leftMs?: number
  /** 0–1 of the whole plan, by time. */
  progress: number
}

/** `header` is of the newest tick: what a paused run still lasts is known from it alone. */
export function planAt(plan: PlanView, phase: Phase, classMs: number, header?: Header): Moment {
  if (phase === 'paused') return paused(plan, classMs, header)
  if (phase !== 'live') return { progress: phase === 'scheduled' || phase === 'open' || phase === 'lobby' ? 0 : 1 }
  const run = plan.runs.findLastIndex((each) => each.starts !== undefined && each.starts <= classMs)
  if (run < 0) return { progress: 0 }
  const { ends } = plan.runs[run]!
  if (ends !== undefined && ends <= classMs) return { progress: 1 }
  const leftMs = ends === undefined ? undefined : ends - classMs
  return { run, leftMs, progress: progressAt(plan, run, leftMs) }
}

function paused(plan: PlanView, classMs: number, header?: Header): Moment {
  const told = header && header.run !== NO_RUN ? header.run : plan.current
  if (told === undefined || !plan.runs[told]) return { progress: 0 }
  const run = plan.runs[told]
  const leftMs = header && header.run === told ? leftOf(header) : run.ends !== undefined ? run.ends - classMs : undefined
  return { run: told, leftMs, progress: progressAt(plan, told, leftMs) }
}

function leftOf(header: Header): number | undefined {
  return header.leftMs === NO_END ? undefined : header.leftMs
}

/** What a run counts for in the plan's bar, milliseconds. A run without an end is drawn as two minutes. */
export function lengthOf(run: Run): number {
  const lasted = run.starts !== undefined && run.ends !== undefined ? run.ends - run.starts : 0
  return Math.max(run.planned_ms || lasted || 120_000, 1_000)
}

function progressAt(plan: PlanView, run: number, leftMs: number | undefined): number {
  const lengths = plan.runs.map(lengthOf)
  const total = lengths.reduce((sum, each) => sum + each, 0)
  const before = lengths.slice(0, run).reduce((sum, each) => sum + each, 0)
  const here = lengths[run]!
  const ridden = leftMs === undefined ? here / 2 : Math.min(Math.max(here - leftMs, 0), here)
  return total > 0 ? (before + ridden) / total : 0
}

/** Milliseconds of real time until the shown whole second of `leftMs` changes. */
export function untilNextSecond(leftMs: number | undefined, rate: number): number {
  if (leftMs === undefined) return 1_000 / rate
  const part = leftMs % 1_000
  return (part > 0 ? part : 1_000) / rate
}

/** Real milliseconds until what is shown of any of these times, class milliseconds, changes: whole ones, as timers cut off the rest and would be early. */
export function nextLookMs(rate: number, ...lefts: (number | undefined)[]): number {
  return Math.min(...lefts.map((left) => Math.min(Math.max(Math.ceil(untilNextSecond(left, rate)), 4), 1_000)))
}

/** `4:05`, `37` as `0:37`, `1:02:00`. Rounded up, so that it says 0:01 until the end. */
export function timeText(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1_000))
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** The zone that a segment's colour in the plan's bar stands for, 0–5. */
export function zoneOfRun(run: Run): number {
  const { target, kind } = run.segment
  const byTarget = target && zoneOfTarget(target)
  if (byTarget !== undefined) return byTarget
  return { warmup: 1, work: 4, recover: 1, test: 5, cooldown: 1, transition: 0 }[kind]
}

function zoneOfTarget(target: Target): number | undefined {
  switch (target.t) {
    case 'percent':
      return Math.min(Math.max(Math.floor((target.lo + target.hi) / 20) - 4, 0), 5)
    case 'rpe':
      return Math.min(Math.ceil((target.lo + target.hi) / 4), 5)
    case 'reserve':
    case 'ftp':
    case 'cadence':
      return undefined
  }
}
