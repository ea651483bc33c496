// One running class as a member sees it: the feed, one's own row, joining and leaving, what the trainer says. State without looks.

import { ClassFeed } from '../../live/feed'
import { type Hero, heroOf } from '../../live/hero'
import { type OwnRow, ownRow } from '../../live/own'
import type { Coming } from '../../live/moves'
import { Shown } from '../../live/shown'
import { type Moment, nextLookMs } from '../../live/timer'
import { Refused } from '../../net/calls'
import { localNow } from '../../net/clock'
import { db } from '../../net/db'
import { uuidBytes, uuidText } from '../../proto/ids'
import { LIMITS, SIGNAL } from '../../proto/layout'
import type { ClassCommand, ClassSnapshot, Phase, PlanView, Refusal, Response } from '../../proto/protocol'
import { linkNow, socket } from '../../ui/session.svelte'
import { actions, isUp, meNow, recorder, rooms } from './store.svelte'
import { ownNow, recentNow, setAim, sourceNow } from './sensor.svelte'

export interface Said {
  text: string
  alone: boolean
}

/** High fives that came close together, as one. */
export interface Fives {
  count: number
  names: string[]
}

const SAID_MS = 10_000
/** They are shown for so long after the last one. */
const FIVES_MS = 4_000
/** The hero is looked at so often: an age counts up, a link breaks. */
const LOOK_MS = 250
const HEARTS_KEPT = 20

export class LiveClass {
  snapshot = $state.raw<ClassSnapshot>()
  /** What is shown was kept by this phone; none where it is fresh. */
  savedAt = $state<number>()
  phase = $state<Phase>('scheduled')
  plan = $state.raw<PlanView>({ version: 0, runs: [] })
  moment = $state.raw<Moment>({ progress: 0 })
  /** The trainer's move that is counted down to. */
  coming = $state.raw<Coming>()
  slot = $state<number>()
  row = $state.raw<OwnRow>()
  hero = $state.raw<Hero>({ look: 'none', from: 'class', over: false, ageMs: 0 })
  said = $state.raw<Said>()
  fives = $state.raw<Fives>()
  /** One has just clapped with all, and may not again yet. */
  clapped = $state(false)
  refusal = $state.raw<Refusal>()
  /** Rises with each tick, for what is read from the board. */
  ticks = $state(0)
  sos = $state(false)
  joining = $state(false)
  readonly feed: ClassFeed
  /** Whose rows of the board are shown. */
  readonly shown: Shown
  private timer?: ReturnType<typeof setTimeout>
  private looker?: ReturnType<typeof setInterval>
  private saidTimer?: ReturnType<typeof setTimeout>
  private fivesTimer?: ReturnType<typeof setTimeout>
  private clapTimer?: ReturnType<typeof setTimeout>
  private whisper?: number
  private readonly stops: (() => void)[] = []
  /** Maxima that own rows imply: bpm by percent, for the time without a link. */
  private implied: number[] = []

  constructor(readonly id: string) {
    this.feed = new ClassFeed(socket, id, {
      info: () => this.informed(),
      people: () => (this.ticks++, this.hide()),
      tick: () => void this.ticks++,
      cue: (text) => this.hear({ text, alone: false }),
      refused: (refusal) => (this.refusal = refusal),
    })
    const ask = () => socket.repeat({ t: 'hidden', class: uuidBytes(id) })
    this.shown = new Shown(this.feed.people, ask, () => this.ticks++)
  }

  async start(): Promise<void> {
    this.feed.start()
    this.stops.push(socket.listen((push) => this.pushed(push)))
    this.looker = setInterval(() => this.look(), LOOK_MS)
    this.pulse()
    // Until the server has spoken, what this phone knew.
    const kept = await db.get<{ snapshot: ClassSnapshot; at: number }>('cache', `class:${this.id}`)
    if (kept && !this.feed.snapshot) {
      this.feed.begin(kept.snapshot)
      this.savedAt = kept.at
    }
  }

  stop(): void {
    this.feed.stop()
    this.shown.stop()
    for (const stop of this.stops.splice(0)) stop()
    clearTimeout(this.timer)
    clearInterval(this.looker)
    for (const timer of [this.saidTimer, this.fivesTimer, this.clapTimer]) clearTimeout(timer)
  }

  /** The board's people have changed, or whom one hides. */
  hide(): void {
    this.shown.look(rooms.hidden.length > 0)
  }

  get isSolo(): boolean {
    return this.snapshot?.trainer === ''
  }

  /** How long the segment has run, class milliseconds. */
  ridden(): number {
    const starts = this.moment.run === undefined ? undefined : this.plan.runs[this.moment.run]?.starts
    return starts === undefined ? 0 : Math.max(0, this.feed.classMs() - starts)
  }

  get joined(): boolean {
    return this.slot !== undefined && this.row?.signal !== SIGNAL.LEFT
  }

  /** Recording goes on until the class is over; after it, what waits still leaves. */
  get runs(): boolean {
    return this.phase === 'lobby' || this.phase === 'live' || this.phase === 'paused'
  }

  async join(): Promise<void> {
    if (this.joining) return
    this.joining = true
    this.refusal = undefined
    const source = sourceNow()
    const sensors = source ? [$state.snapshot(source.sensor)] : []
    try {
      const answer = await this.command({ t: 'join', sensors })
      if (answer.t !== 'joined') return
      this.slot = answer.slot
      this.row = undefined
      this.record()
      recorder.joinedWith(sensors)
      if (source) recorder.wear(source.sensor)
    } catch (error) {
      if (error instanceof Refused) this.refusal = error.refusal
    } finally {
      this.joining = false
    }
  }

  /** What was earned stays; what waits is still sent. `at` holds though the link is away. */
  async leave(): Promise<void> {
    const at = Math.round(this.feed.classMs())
    recorder.pause()
    this.row = this.row && { ...this.row, signal: SIGNAL.LEFT, since: localNow() }
    await actions.do((cmd) => ({ t: 'class', class: uuidBytes(this.id), cmd, act: { t: 'leave', at } })).catch((error) => this.failed(error))
  }

  async hand(up: boolean): Promise<void> {
    await this.command({ t: 'hand', up }).catch((error) => this.failed(error))
  }

  /** A high five to one, or to all; nobody answers. */
  five(to?: number): void {
    socket.tell({ t: 'five', class: uuidBytes(this.id), ...(to === undefined ? {} : { to }) })
    if (to !== undefined) return
    this.clapped = true
    clearTimeout(this.clapTimer)
    this.clapTimer = setTimeout(() => (this.clapped = false), LIMITS.FIVE_ALL_EVERY_MS)
  }

  async callHelp(on: boolean): Promise<void> {
    this.sos = on
    await this.command({ t: 'sos', on }).catch((error) => this.failed(error))
  }

  async drive(action: 'start' | 'pause' | 'resume' | 'end'): Promise<void> {
    await this.command({ t: 'plan', action: { t: action } }).catch((error) => this.failed(error))
  }

  private command(act: ClassCommand): Promise<Response> {
    return socket.command((cmd) => ({ t: 'class', class: uuidBytes(this.id), cmd, act }))
  }

  private failed(error: unknown): void {
    if (error instanceof Refused) this.refusal = error.refusal
  }

  private informed(): void {
    const { snapshot, phase, plan } = this.feed
    const fresh = snapshot !== this.snapshot
    this.snapshot = snapshot
    this.phase = phase
    this.plan = plan
    if (fresh) this.savedAt = undefined
    if (snapshot && (fresh || this.slot === undefined)) this.slot = snapshot.slot ?? this.slot
    if (snapshot && fresh) void db.put('cache', `class:${this.id}`, { snapshot: { ...snapshot, phase, plan }, at: Date.now() }).catch(() => {})
    if (this.slot !== undefined && this.runs) this.record()
    else if (!this.runs && recorder.class === this.id) recorder.pause()
    this.pulse()
  }

  private record(): void {
    const { snapshot } = this.feed
    if (!snapshot || recorder.class === this.id) return
    recorder.record(this.id, snapshot.clock)
    const source = sourceNow()
    if (source) recorder.wear(source.sensor)
  }

  private pushed(push: Response): void {
    if (push.t === 'whisper' && uuidText(push.class) === this.id) return this.whispered(push.id, push.text)
    if (push.t === 'fives' && uuidText(push.class) === this.id) return this.clappedBy(push.count, push.names)
    if (push.t !== 'mine' || uuidText(push.class) !== this.id) return
    this.row = ownRow(push, localNow(), this.row) ?? this.row
    this.slot = this.row?.slot
    for (const [slot, name] of push.names ?? []) this.feed.people.set(slot, { name })
    if (push.names?.length) this.hide()
    if (push.slice) this.feed.board.apply(push.slice)
    if (this.row?.signal === SIGNAL.LEFT && recorder.class === this.id) recorder.pause()
    const { bpm, percent } = this.row ?? {}
    if (bpm && percent && percent >= 40 && percent < 255) this.implied = [...this.implied, (bpm * 100) / (percent + 0.5)].slice(-HEARTS_KEPT)
    this.ticks++
    this.look()
  }

  /** The same words may come twice. They are shown when a frame has painted them: a page in the background paints none. */
  private whispered(id: number, text: string): void {
    if (id === this.whisper) return
    this.whisper = id
    this.hear({ text, alone: true })
    requestAnimationFrame(() => void this.command({ t: 'shown', whisper: id }).catch(() => {}))
  }

  private clappedBy(count: number, names: string[]): void {
    const before = this.fives
    const known = before?.names ?? []
    this.fives = { count: count + (before?.count ?? 0), names: [...known, ...names.filter((name) => !known.includes(name))].slice(0, 3) }
    clearTimeout(this.fivesTimer)
    this.fivesTimer = setTimeout(() => (this.fives = undefined), FIVES_MS)
  }

  private hear(said: Said): void {
    this.said = said
    clearTimeout(this.saidTimer)
    this.saidTimer = setTimeout(() => (this.said = undefined), SAID_MS)
    navigator.vibrate?.(said.alone ? [80, 60, 80] : 80)
  }

  /** The maximum that the class counts with, as far as this phone can know. */
  private hrMax(): number | undefined {
    const given = meNow()?.profile
    if (given?.zones_off) return undefined
    if (given?.hr_max) return given.hr_max
    if (!this.implied.length) return undefined
    return this.implied.reduce((sum, each) => sum + each, 0) / this.implied.length
  }

  private look(): void {
    // A board that is silent says nothing of one's heart either.
    const linked = isUp() && linkNow().state !== 'resuming' && !this.feed.isSilent()
    this.hero = heroOf({ now: localNow(), linked, row: this.row, own: ownNow(), recent: recentNow(), worn: sourceNow() !== undefined, hrMax: this.hrMax(), rate: this.feed.rate })
    const run = this.moment.run === undefined ? undefined : this.plan.runs[this.moment.run]
    const target = run?.segment.target
    const max = this.hrMax() ?? 180
    setAim(target?.t === 'percent' ? ((target.lo + target.hi) / 200) * max : this.phase === 'live' ? 0.72 * max : 0.5 * max)
  }

  /** Everything timed is computed anew, then again when the shown second changes. */
  private pulse(): void {
    clearTimeout(this.timer)
    this.moment = this.feed.moment()
    this.coming = this.feed.coming()
    this.timer = setTimeout(() => this.pulse(), nextLookMs(this.feed.rate, this.moment.leftMs, this.coming?.leftMs))
  }
}
