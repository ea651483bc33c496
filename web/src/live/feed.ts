// One class as a wall follows it: the topic `class:<id>` with `class:<id>:board`, or with `class:<id>:desk` for staff, kept together.

import type { AttentionList, ClassEvent, ClassSnapshot, Phase, PlanView, Refusal, RosterEntry } from '../proto/protocol'
import { localNow } from '../net/clock'
import type { Socket } from '../net/socket'
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
  refused(refusal: Refusal): void
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
  phase: Phase = 'scheduled'
  readonly moves = new Moves()
  /** Why the class was cancelled or aborted. */
  reason?: string
  private readonly stops: (() => void)[] = []
  private tickAt = 0

  constructor(
    private readonly socket: Socket,
    readonly id: string,
    private readonly watcher: FeedWatcher,
    /** Whose eyes the people are seen with: the hall's, redacted by consent, or the trainer's. */
    private readonly view: 'board' | 'desk' = 'board',
  ) {}

  start(): void {
    this.stops.push(
      this.socket.follow(`class:${this.id}`, {
        snapshot: (snapshot) => snapshot.t === 'class' && this.begin(snapshot),
        event: (event) => this.event(event as ClassEvent),
        refused: (refusal) => this.watcher.refused(refusal),
      }),
      this.socket.follow(`class:${this.id}:${this.view}`, {
        snapshot: (snapshot) => {
          if (snapshot.t !== 'board') return
          this.meet(snapshot.roster)
          if (snapshot.attention) this.watcher.attention?.(snapshot.attention)
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
  }

  /** Class time now; the server's clock where no snapshot has come. */
  classMs(): number {
    const now = this.socket.clock.now()
    return this.snapshot ? classTime(this.snapshot.clock, now) : now
  }

  /** As it holds now: a move that is counted down to has not happened. */
  get plan(): PlanView {
    return this.moves.planAt(this.classMs())
  }

  get rate(): number {
    return this.snapshot?.clock.rate ?? 1
  }

  /**
   * How long the board has been silent, class milliseconds: that much older is everything on it. A board on which nothing changes
   * still ticks once a second, so a short silence says only that all is as it was.
   */
  silentMs(): number {
    const { header } = this.board
    const counts = this.lively() || this.socket.link.state === 'offline' || this.socket.link.state === 'connecting'
    if (!header || !counts || localNow() - this.tickAt < QUIET_MS) return 0
    return Math.max(0, this.classMs() - header.classMs)
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
    this.phase = snapshot.phase
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
        this.phase = event.phase
        this.reason = event.reason
        return this.watcher.info()
      case 'plan':
        this.moves.hear(event, this.classMs())
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
    }
  }

  private tick(bytes: Uint8Array): void {
    if (!this.board.apply(bytes)) return
    this.tickAt = localNow()
    this.watcher.tick()
    if (this.board.removed.length) this.watcher.people()
  }
}
