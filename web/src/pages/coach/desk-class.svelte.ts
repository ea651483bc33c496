// One class as its trainer sees and drives it: the feed with the desk's eyes, the list of who needs attention, and every control.
// State without looks. The class lives in the server: what breaks here, breaks here alone.

import { ClassFeed, type Source } from '../../live/feed'
import { type Coming, effectAt, type PlanMove } from '../../live/moves'
import { type Moment, nextLookMs } from '../../live/timer'
import { Trail } from '../../live/trail'
import { currentLogin } from '../../net/auth'
import { Refused } from '../../net/calls'
import { localNow } from '../../net/clock'
import { uuidBytes, uuidText } from '../../proto/ids'
import type { Aim, AttentionItem, AttentionList, ClassCommand, ClassSnapshot, Forecast, Phase, PlanAction, PlanView, Refusal, Sensor, StaffView, SwapFrom, WhisperView } from '../../proto/protocol'
import { linkNow, socket } from '../../ui/session.svelte'
import { rankOf } from './ranks'

/** What could not be done is said for so long. */
const PROBLEM_MS = 6_000
const AGE_LOOK_MS = 1_000
/** A pointer that only passes by asks for nothing. */
const FORESEE_MS = 150
const NOBODY: AttentionList = { items: [], more: 0 }

export interface DeskWatcher {
  /** The wall has something to draw. */
  tick(): void
  people(): void
  redraw(): void
  needed(slots: readonly number[]): void
}

export class DeskClass {
  snapshot = $state.raw<ClassSnapshot>()
  phase = $state<Phase>('scheduled')
  plan = $state.raw<PlanView>({ version: 0, runs: [] })
  reason = $state<string>()
  moment = $state.raw<Moment>({ progress: 0 })
  coming = $state.raw<Coming>()
  /** What can still be taken back, and for how many class milliseconds. */
  undoable = $state.raw<PlanMove & { leftMs: number }>()
  attention = $state.raw<AttentionList>(NOBODY)
  /** What the move that the trainer looks at would come to. */
  foreseen = $state.raw<Forecast>()
  /** Class time as it is shown: ages are counted by it. */
  now = $state(0)
  startsInMs = $state<number>()
  behindMs = $state(0)
  riders = $state(0)
  /** People in each zone, 0–5. */
  zones = $state.raw<readonly number[]>([0, 0, 0, 0, 0, 0])
  staff = $state.raw<StaffView>({ here: [] })
  /** The newest private words to each person. */
  whispers = $state.raw<ReadonlyMap<number, WhisperView>>(new Map())
  /** Sensors that the hall hears and nobody wears. */
  loose = $state.raw<readonly Sensor[]>([])
  /** The class may not be followed. */
  refusal = $state.raw<Refusal>()
  /** What was just refused: a code. */
  problem = $state<string>()
  /** Names and seats of the desk; a new number where they have changed. */
  roster = $state(0)
  /** What stands here is not what is now. */
  readonly past: boolean
  readonly feed: ClassFeed
  /** Heart rates of the last minutes. */
  readonly trail = new Trail()
  private readonly user = currentLogin()?.user
  private timer?: ReturnType<typeof setTimeout>
  private problemTimer?: ReturnType<typeof setTimeout>
  private zonesAt = 0
  private foreseeTimer?: ReturnType<typeof setTimeout>
  private looks = 0

  constructor(
    readonly id: string,
    private readonly wall: DeskWatcher,
    /** A film, where the desk looks back: then nothing is done to the class from here. */
    source: Source = socket,
  ) {
    this.past = source !== socket
    this.feed = new ClassFeed(
      source,
      id,
      {
        info: () => this.informed(),
        people: () => {
          this.roster++
          wall.people()
        },
        tick: () => this.ticked(),
        cue: () => {},
        attention: (list) => this.look(list),
        staff: (view) => (this.staff = view),
        whispers: (views) => this.hearWhispers(views),
        loose: (sensors) => (this.loose = sensors),
        refused: (refusal) => (this.refusal = refusal),
      },
      'desk',
    )
  }

  start(): void {
    this.feed.start()
    this.pulse()
  }

  stop(): void {
    this.feed.stop()
    clearTimeout(this.timer)
    clearTimeout(this.problemTimer)
    clearTimeout(this.foreseeTimer)
  }

  /** A move of the plan: counted down to on every screen, or at once where the segment that it means ends before. */
  async drive(action: PlanAction): Promise<void> {
    const { feed } = this
    this.foresee()
    // Whoever moves the plan while nobody leads, leads from then on.
    if (!this.staff.driver && !(await this.lead(true))) return
    const at = effectAt(action, feed.classMs(), feed.rate, feed.moment().leftMs)
    await this.command({ t: 'plan', action, at })
  }

  /** The trainer looks at a move, or away. */
  foresee(action?: PlanAction): void {
    clearTimeout(this.foreseeTimer)
    this.foreseen = undefined
    const look = ++this.looks
    if (!action) return
    this.foreseeTimer = setTimeout(async () => {
      const at = effectAt(action, this.feed.classMs(), this.feed.rate, this.feed.moment().leftMs)
      const act: ClassCommand = { t: 'forecast', action, at }
      // What cannot be done has no forecast; whoever does it is told why.
      const told = await socket.command((cmd) => ({ t: 'class', class: uuidBytes(this.id), cmd, act })).catch(() => undefined)
      if (told?.t === 'foreseen' && look === this.looks) this.foreseen = told
    }, FORESEE_MS)
  }

  async undo(): Promise<void> {
    if (this.undoable) await this.command({ t: 'undo', id: this.undoable.id })
  }

  async openLobby(): Promise<void> {
    await this.command({ t: 'lobby' })
  }

  async acknowledge(item: number): Promise<void> {
    await this.command({ t: 'acknowledge', item })
  }

  /** True where it was said: to the hall, or to one person alone. */
  tell(text: string, to?: number, aim?: Aim): Promise<boolean> {
    return this.command({ t: 'cue', text, to, aim })
  }

  /** Takes the plan over from whoever moves it, or lets go of it. */
  lead(on: boolean): Promise<boolean> {
    return this.command({ t: 'drive', on })
  }

  swap(a: number, b: number, from: SwapFrom): Promise<boolean> {
    return this.command({ t: 'swap', a, b, from })
  }

  wear(slot: number, sensor: Sensor): Promise<boolean> {
    return this.command({ t: 'pair', sensor, slot })
  }

  admitGuest(guest: string, seat?: string): Promise<boolean> {
    return this.command({ t: 'admit', guest, seat, sensors: [] })
  }

  leave(slot: number): Promise<boolean> {
    return this.command({ t: 'leave', slot })
  }

  /** Another trainer moves the plan. */
  get elsewhere(): boolean {
    const { driver } = this.staff
    return driver !== undefined && uuidText(driver.user) !== this.user
  }

  get leads(): boolean {
    return this.staff.driver !== undefined && !this.elsewhere
  }

  /** Names of the others who look at a desk of this class. */
  get others(): string[] {
    return this.staff.here.filter((each) => uuidText(each.user) !== this.user).map((each) => each.name)
  }

  /** Whom nobody has seen to, most urgent first. */
  get needed(): number[] {
    const open = this.attention.items.filter((each) => each.acknowledged_by === undefined)
    return open.flatMap((each) => (each.slot === undefined ? [] : [each.slot]))
  }

  /** The one that comes first: most urgent, and nobody has seen it. */
  get top(): AttentionItem | undefined {
    return this.attention.items.find((each) => each.acknowledged_by === undefined)
  }

  nameOf(slot: number | undefined): { name: string; seat?: string } | undefined {
    return this.roster >= 0 && slot !== undefined ? this.feed.people.get(slot) : undefined
  }

  /** Nothing of a class is kept for later: a pause that comes a minute late is another pause. */
  private async command(act: ClassCommand): Promise<boolean> {
    if (linkNow().state === 'offline' || linkNow().state === 'connecting') {
      this.say('network')
      return false
    }
    try {
      await socket.command((cmd) => ({ t: 'class', class: uuidBytes(this.id), cmd, act }))
      this.problem = undefined
      return true
    } catch (error) {
      this.say(error instanceof Refused ? error.refusal.code : 'network')
      return false
    }
  }

  private say(problem: string): void {
    this.problem = problem
    clearTimeout(this.problemTimer)
    this.problemTimer = setTimeout(() => (this.problem = undefined), PROBLEM_MS)
  }

  private informed(): void {
    const { snapshot, phase, plan, reason } = this.feed
    this.snapshot = snapshot
    this.phase = phase
    this.plan = plan
    this.reason = reason
    this.pulse()
    this.wall.redraw()
  }

  private hearWhispers(views: readonly WhisperView[]): void {
    const whispers = new Map(this.whispers)
    for (const view of views) whispers.set(view.slot, view)
    this.whispers = whispers
  }

  private look(list: AttentionList): void {
    this.attention = list
    this.wall.needed(this.needed)
  }

  private ticked(): void {
    this.wall.tick()
    const { board } = this.feed
    this.trail.tick(board)
    this.riders = board.header?.riders ?? 0
    if (this.phase === 'paused') this.moment = this.feed.moment()
    if (localNow() - this.zonesAt < AGE_LOOK_MS) return
    this.zonesAt = localNow()
    this.zones = board.zones()
  }

  /** Everything timed is computed anew, then again when what is shown of it changes. */
  private pulse(): void {
    clearTimeout(this.timer)
    const { feed } = this
    this.moment = feed.moment()
    this.now = feed.classMs()
    this.coming = feed.coming()
    this.undoable = feed.moves.undoable(this.now, feed.rate)
    this.behindMs = feed.silentMs() / feed.rate
    const waits = this.snapshot && ['scheduled', 'open', 'lobby'].includes(this.phase)
    this.startsInMs = waits ? this.snapshot!.starts_at_ms - socket.clock.now() : undefined
    this.timer = setTimeout(() => this.pulse(), nextLookMs(feed.rate, this.moment.leftMs, this.coming?.leftMs, this.undoable?.leftMs))
  }
}

/** Worth a sound: ranks 1 to 3 that nobody has seen; at the second trainer's desk when the one who leads has not answered. */
export const alarms = (list: AttentionList, elsewhere: boolean): boolean =>
  list.items.some((each) => each.acknowledged_by === undefined && rankOf(each.kind) <= 3 && (!elsewhere || each.escalated))
