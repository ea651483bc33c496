// A film of a class as a page plays it: where it is, how fast, and what the trainer had to look at. State without looks.

import type { ClassFeed } from '../../live/feed'
import { Film, type FilmState, SPEEDS, STEP_MS } from '../../live/film'
import { api } from '../../net/api'
import { asking } from '../../net/auth'
import { decodeFilm } from '../../proto/codec'
import type { Raised } from '../../proto/protocol'
import { socket } from '../session.svelte'

/** What led to an alarm is worth a look too. */
const BEFORE_ALARM_MS = 10_000
/** Who steps back within so long of an alarm means the one before it. */
const SAME_ALARM_MS = 2_000

export class Player {
  at = $state(0)
  state = $state<FilmState>('loading')
  speed = $state<number>(SPEEDS[0])
  raised = $state.raw<readonly Raised[]>([])
  readonly film: Film

  constructor(
    id: string,
    view: 'board' | 'desk',
    /** The class as it is now. */
    private readonly live: ClassFeed,
    /** Back to what is now. */
    private readonly leave: () => void,
  ) {
    const load = async (from: number, to: number) => decodeFilm(await asking(socket.clock.now(), (token) => api.film(token, id, view, from, to)))
    this.film = new Film(load, live.plan.runs[0]!.starts!, {
      moved: (at, state) => {
        this.at = at
        this.state = state
        if (state === 'playing' && this.over && at >= this.ends) this.film.play(false)
      },
      raised: (raised) => (this.raised = raised),
      caughtUp: () => this.live.ended() || leave(),
    })
    this.film.seek(live.ended() ? this.begins : this.ends - STEP_MS)
  }

  get begins(): number {
    return this.film.begins
  }

  /** Up to where there is something to see, class time. */
  get ends(): number {
    const ends = this.over ? this.live.plan.ends : undefined
    return Math.max(ends ?? this.live.classMs(), this.begins + 1)
  }

  get over(): boolean {
    return this.live.ended()
  }

  /** Beyond what is now lies what is now. */
  seek(at: number): void {
    if (at >= this.ends && !this.over) this.leave()
    else this.film.seek(Math.min(at, this.ends))
  }

  /** So many steps of half a minute on; back, where it is less than none. */
  step(steps: number): void {
    this.seek(this.film.at + steps * STEP_MS)
  }

  toggle(): void {
    if (this.state === 'paused' && this.at >= this.ends) this.film.seek(this.begins)
    this.film.play(this.state === 'paused')
  }

  setSpeed(speed: number): void {
    this.speed = speed
    this.film.setSpeed(speed)
  }

  /** The alarm that is shown, or was last. */
  get alarm(): Raised | undefined {
    return this.raised.findLast((each) => each.at - BEFORE_ALARM_MS <= this.at)
  }

  toAlarm(by: -1 | 1): void {
    const from = this.film.at + BEFORE_ALARM_MS
    const next = by > 0 ? this.raised.find((each) => each.at > from + 1) : this.raised.findLast((each) => each.at < from - SAME_ALARM_MS)
    if (next) this.showAlarm(next.at)
  }

  showAlarm(at: number): void {
    this.film.seek(at - BEFORE_ALARM_MS)
  }

  stop(): void {
    this.film.stop()
  }
}
