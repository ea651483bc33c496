// One class as a wall follows it: the topic `class:<id>` with `class:<id>:board`, or with `class:<id>:desk` for staff, kept together.

import type { AttentionList, ClassEvent, ClassSnapshot, Phase, PlanView, Refusal, RosterEntry, Sensor, StaffView, WhisperView } from '../proto/protocol'
import { localNow } from '../net/clock'
import { PHASES } from '../proto/layout'
import type { Link } from '../net/link'
import type { Follower } from '../net/topics'
import { type Coming, Moves } from './moves'
import { Board } from './ticks'
import { type Moment, classTime, planAt } from './timer'
import type { Person } from './tile-model'

export interface FeedWatcher {
  /** The snapshot, the phase or the plan has changed. */
  info(): void
  /** People came, changed or went. */
  people(): void
  tick(): void
  cue(text: string): void
  /** Only on the desk: what needs a look. */
  attention?(list: AttentionList): void
  /** Only on the desk: who leads, and who looks at a desk. */
  staff?(view: StaffView): void
  /** Only on the desk: the newest private words to each, then what becomes of them. */
  whispers?(views: readonly WhisperView[]): void
  /** Only on the desk: sensors that nobody wears, all of them. */
  loose?(sensors: readonly Sensor[]): void
  refused(refusal: Refusal): void
}

/** Where a class is heard from: the socket, or a film of it. */
export interface Source {
  follow(topic: string, follower: Follower): () => void
  readonly clock: { now(): number }
  readonly link: Link
}

/** While people may send, a board ticks all the time. */
const LIVELY: readonly Phase[] = ['lobby', 'live', 'paused', 'cooling']
const QUIET_MS = 2_000
/** The class is over: no more ticks come. */
export const isOver = (phase: Phase): boolean => OVER.includes(phase)
const OVER: readonly Phase[] = ['finished', 'settled', 'cancelled', 'aborted']

export class ClassFeed {
  readonly board = new Board()
  readonly people = new Map<number, Person>()
  snapshot?: ClassSnapshot
  readonly moves = new Moves()
  /** Why the class was cancelled or aborted. */
  reason?: string
  private readonly stops: (() => void)[] = []
  private tickAt = 0
  /** The phase as it was told last, by an event or a tick, and the class time of that. */
  private told: { phase: Phase; at: number } = { phase: 'scheduled', at: -Infinity }
  private effect?: ReturnType<typeof setTimeout>

  constructor(
    private readonly source: Source,
    readonly id: string,
    private readonly watcher: FeedWatcher,
    /** Whose eyes the people are seen with: the hall's, redacted by consent, or the trainer's. */
    private readonly view: 'board' | 'desk' = 'board',
  ) {}

  start(): void {
    this.stops.push(
      this.source.follow(`class:${this.id}`, {
        snapshot: (snapshot) => snapshot.t === 'class' && this.begin(snapshot),
        event: (event) => this.event(event as ClassEvent),
        refused: (refusal) => this.watcher.refused(refusal),
      }),
      this.source.follow(`class:${this.id}:${this.view}`, {
        snapshot: (snapshot) => {
          if (snapshot.t !== 'board') return
          this.meet(snapshot.roster)
          if (snapshot.attention) this.watcher.attention?.(snapshot.attention)
          if (snapshot.staff) this.watcher.staff?.(snapshot.staff)
          this.watcher.whispers?.(snapshot.whispers ?? [])
          this.watcher.loose?.(snapshot.loose ?? [])
        },
        attention: (list) => this.watcher.attention?.(list),
        event: (event) => this.event(event as ClassEvent),
        tick: (bytes) => this.tick(bytes),
        lively: () => this.lively(),
        refused: (refusal) => this.watcher.refused(refusal),
      }),
    )
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop()
    clearTimeout(this.effect)
  }

  /** Class time now; the server's clock where no snapshot has come. */
  classMs(): number {
    const now = this.source.clock.now()
    return this.snapshot ? classTime(this.snapshot.clock, now) : now
  }

  /** As it holds now: a move that is counted down to has not happened. */
  get plan(): PlanView {
    return this.moves.planAt(this.classMs())
  }

  /** With what the trainer's moves have made of it: they are told ahead, and the phase is not told again. */
  get phase(): Phase {
    return this.moves.phaseAt(this.told.phase, this.told.at, this.classMs())
  }

  get rate(): number {
    return this.snapshot?.clock.rate ?? 1
  }

  /**
   * How long the board has been silent, class milliseconds: that much older is everything on it. Between two ticks of a class that runs
   * faster than real time lie seconds of it: there a short silence says only that all is as it was.
   */
  silentMs(): number {
    const { header } = this.board
    const counts = this.lively() || this.source.link.state === 'offline' || this.source.link.state === 'connecting'
    if (!header || !counts || (this.rate > 1 && localNow() - this.tickAt < QUIET_MS)) return 0
    return Math.max(0, this.classMs() - header.classMs)
  }

  /** Nothing has come for longer than a board is ever quiet. */
  isSilent(): boolean {
    return this.silentMs() > QUIET_MS
  }

  lively(): boolean {
    return LIVELY.includes(this.phase)
  }

  moment(): Moment {
    return planAt(this.plan, this.phase, this.classMs(), this.board.header)
  }

  /** The trainer's move that is counted down to. */
  coming(): Coming | undefined {
    return this.moves.coming(this.classMs())
  }

  ended(): boolean {
    return isOver(this.phase)
  }

  /** What the server said, or what was kept of it. */
  begin(snapshot: ClassSnapshot): void {
    this.snapshot = snapshot
    this.told = { phase: snapshot.phase, at: -Infinity }
    this.moves.begin(snapshot.plan)
    this.watcher.info()
  }

  private meet(roster: RosterEntry[]): void {
    this.people.clear()
    this.enter(roster)
  }

  private enter(roster: RosterEntry[]): void {
    for (const { slot, name, seat, desk } of roster) this.people.set(slot, { name, seat, desk })
    this.watcher.people()
  }

  private event(event: ClassEvent): void {
    switch (event.t) {
      case 'phase':
        this.told = { phase: event.phase, at: event.at }
        this.reason = event.reason
        return this.watcher.info()
      case 'plan':
        this.moves.hear(event, this.classMs())
        this.awaitEffect()
        return this.watcher.info()
      case 'roster':
        return this.enter(event.entries)
      case 'gone':
        for (const slot of event.slots) {
          this.people.delete(slot)
          this.board.remove(slot)
        }
        return this.watcher.people()
      case 'cue':
        return this.watcher.cue(event.text)
      case 'staff':
        return this.watcher.staff?.(event)
      case 'whisper':
        return this.watcher.whispers?.([event])
      case 'loose':
        return this.watcher.loose?.(event.sensors)
    }
  }

  private tick(bytes: Uint8Array): void {
    if (!this.board.apply(bytes)) return
    this.tickAt = localNow()
    this.hearPhase()
    this.watcher.tick()
    if (this.board.removed.length) this.watcher.people()
  }

  private hearPhase(): void {
    const { phase, classMs } = this.board.header!
    const [before, told] = [this.phase, PHASES[phase]]
    if (!told || classMs < this.told.at) return
    this.told = { phase: told, at: classMs }
    if (this.phase !== before) this.watcher.info()
  }

  /** A move that is counted down to changes phase and plan at its moment, though nobody tells anything then. */
  private awaitEffect(): void {
    clearTimeout(this.effect)
    const coming = this.coming()
    if (!coming) return
    this.effect = setTimeout(() => {
      if (this.coming()?.action !== coming.action) this.watcher.info()
      this.awaitEffect()
    }, Math.ceil(coming.leftMs / this.rate))
  }
}
