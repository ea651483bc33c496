// A class looked back at. What was told of it is played, on a clock of its own, to the same feed that follows the class live.

import type { ClassClock, Film as Stretch, Raised } from '../proto/protocol'
import { HEADER_EPOCH, LIMITS } from '../proto/layout'
import { localNow } from '../net/clock'
import { IDLE, type Link } from '../net/link'
import type { Follower } from '../net/topics'
import { classTime } from './timer'

export const SPEEDS = [1, 2, 4, 8, 16] as const
export const STEP_MS = 30_000

const STRETCH_MS = LIMITS.FILM_MS_MAX / 2
const KEPT_MAX = 4
const BEAT_MS = 125
/** What could not be had is asked for again after so long. */
const AGAIN_MS = 2_000

export type FilmState = 'loading' | 'playing' | 'paused' | 'failed'

export interface FilmWatcher {
  /** It shows this class time now, and so it stands. */
  moved(at: number, state: FilmState): void
  /** The trainer's list of the whole class, as far as it is known. */
  raised?(raised: readonly Raised[]): void
  /** Nothing is known beyond: it has caught up with the class, or the class ended there. */
  caughtUp(): void
}

export class Film {
  readonly link: Link = { ...IDLE, state: 'live' }
  readonly clock = { now: () => (this.state === 'playing' ? localNow() : this.time.wall_ms) }
  state: FilmState = 'loading'
  private speed: number = SPEEDS[0]
  /** How the shown time runs: the snapshots that are handed on hold this very object. */
  private readonly time: ClassClock
  /** Of `class:<id>`, and of its board or desk. */
  private whole?: Follower
  private part?: Follower
  private readonly kept = new Map<number, Stretch>()
  private playing?: Stretch
  private next = 0
  private epoch = 0
  private beat?: ReturnType<typeof setTimeout>
  private asked?: number
  private stopped = false

  constructor(
    /** A stretch of the class, class time. */
    private readonly load: (from: number, to: number) => Promise<Stretch>,
    /** Class time from which there is something to see. */
    readonly begins: number,
    private readonly watcher: FilmWatcher,
  ) {
    this.time = { class_ms: begins, wall_ms: localNow(), rate: 1 }
  }

  follow(topic: string, follower: Follower): () => void {
    const isPart = topic.split(':').length > 2
    if (isPart) this.part = follower
    else this.whole = follower
    return () => (isPart ? (this.part = undefined) : (this.whole = undefined))
  }

  /** Shown class time. */
  get at(): number {
    return classTime(this.time, this.clock.now())
  }

  /** Shows this class time, and goes on from there if it has not been paused. */
  seek(at: number): void {
    const paused = this.state === 'paused'
    this.playing = undefined
    this.stand(Math.max(at, this.begins), 'loading')
    this.show(paused)
  }

  play(on: boolean): void {
    if (this.state !== 'playing' && this.state !== 'paused') return
    this.stand(this.at, on ? 'playing' : 'paused')
    this.pulse()
  }

  setSpeed(speed: number): void {
    this.speed = speed
    this.stand(this.at, this.state)
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.beat)
  }

  /** From here on the time runs as this state says. */
  private stand(at: number, state: FilmState): void {
    this.state = state
    Object.assign(this.time, { class_ms: at, wall_ms: localNow(), rate: this.speed })
    this.watcher.moved(at, state)
  }

  private startOf(at: number): number {
    return this.begins + Math.floor((at - this.begins) / STRETCH_MS) * STRETCH_MS
  }

  /** The stretch that holds the shown time, from its beginning to there at once. */
  private show(paused: boolean): void {
    const { at } = this
    const stretch = this.kept.get(this.startOf(at))
    if (!stretch || (at > stretch.to && stretch.to < this.startOf(at) + STRETCH_MS)) return void this.fetch(this.startOf(at), paused)
    this.begin(stretch)
    this.deliver(at)
    this.stand(at, paused ? 'paused' : 'playing')
    this.pulse()
  }

  private begin(stretch: Stretch): void {
    this.playing = stretch
    this.next = 0
    // Its ticks count from its own beginning.
    this.epoch++
    this.whole?.snapshot?.({ t: 'class', ...stretch.class, clock: this.time })
    this.part?.snapshot?.({ t: 'board', ...stretch.people })
  }

  private deliver(until: number): void {
    const heard = this.playing?.heard ?? []
    for (; this.next < heard.length && heard[this.next]!.at <= until; this.next++) {
      const { what } = heard[this.next]!
      if (what.t === 'event') this.whole?.event?.(what.e)
      else if (what.t === 'attention') this.part?.attention?.(what.list)
      else {
        new DataView(what.b.buffer, what.b.byteOffset).setUint32(HEADER_EPOCH, this.epoch, true)
        this.part?.tick?.(what.b)
      }
    }
  }

  private pulse(): void {
    clearTimeout(this.beat)
    const { playing } = this
    if (this.stopped || this.state !== 'playing' || !playing) return
    const { at } = this
    this.deliver(at)
    const start = this.startOf(playing.from)
    if (at >= playing.to) {
      if (playing.to < start + STRETCH_MS) {
        this.stand(playing.to, 'paused')
        return this.watcher.caughtUp()
      }
      this.stand(playing.to, 'loading')
      return this.show(false)
    }
    // The following one is there before it is wanted.
    if (start + STRETCH_MS - at < (STRETCH_MS / 4) * Math.min(this.speed, 2) && playing.to === start + STRETCH_MS) void this.fetch(start + STRETCH_MS)
    this.watcher.moved(at, this.state)
    this.beat = setTimeout(() => this.pulse(), BEAT_MS)
  }

  /** `paused`: what is asked for is what is shown, and how it goes on then; without it, it is only kept. */
  private async fetch(start: number, paused?: boolean): Promise<void> {
    const shown = paused !== undefined
    if (this.stopped || (!shown && (this.asked === start || this.kept.has(start)))) return
    this.asked = start
    try {
      const stretch = await this.load(start, start + STRETCH_MS)
      this.kept.delete(start)
      this.kept.set(start, stretch)
      if (this.kept.size > KEPT_MAX) this.kept.delete(this.kept.keys().next().value!)
      if (stretch.raised) this.watcher.raised?.(stretch.raised)
      if (this.stopped || !shown || this.state !== 'loading' || this.startOf(this.at) !== start) return
      // What is asked for may lie beyond what has happened.
      if (this.at > stretch.to) this.stand(stretch.to, 'loading')
      this.show(paused)
    } catch {
      if (this.stopped || !shown || this.startOf(this.at) !== start) return
      this.stand(this.at, 'failed')
      this.beat = setTimeout(() => {
        this.stand(this.at, 'loading')
        this.show(paused)
      }, AGAIN_MS)
    } finally {
      if (this.asked === start) this.asked = undefined
    }
  }
}
