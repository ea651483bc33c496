// What this device measures on its way to the server: numbered, kept over reloads, sent while the link is up, again until it is
// acknowledged, and never twice in the server's eyes. One a tab. The rules are those of docs/protocol.md, "Sending heart rates".

import { uuidBytes, uuidText } from '../proto/ids'
import type { Acked, ClassClock, Refusal, Response, Row, Sensor } from '../proto/protocol'
import { classTime } from '../live/timer'
import { Refused } from './calls'
import { localNow } from './clock'
import type { Boot, Keep } from './keep'
import { FRAME_ROWS_MAX, type KeptRow, type Measured, Outbox } from './outbox'
import type { Socket } from './socket'

/** Frames leave at most so often: at twenty times the speed of life one has five rows. */
const PACE_MS = 250
const LOOK_MS = 1_000
/** The wall clock and ours move apart by more than this: the device slept, and its clock stood still. */
const JUMP_MS = 1_000
/** Refused for now: again after so long, where the server does not say. */
const AGAIN_MS = 2_000

export interface Recording {
  /** Rows that the server has not acknowledged. */
  waiting: number
  /** Local milliseconds at which the oldest of them was measured. */
  since?: number
  /** Rows that were not kept because the device's memory for them is full. */
  lost: number
  /** The server takes no more of it, for good. */
  refused?: Refusal
}

export interface Clocks {
  now(): number
  wall(): number
}

interface Group {
  boot: Boot
  outboxes: Map<number, Outbox>
  /** Said to the server in this page's life, or being said. */
  saying: boolean
  /** Its clock was measured after the device slept. */
  mustMeasure: boolean
}

export class Recorder {
  state: Recording = { waiting: 0, lost: 0 }
  private readonly groups: Group[] = []
  private readonly watchers = new Set<(state: Recording) => void>()
  private current?: { class: string; clock: ClassClock }
  private group?: Group
  private drift = 0
  private lastPump = -Infinity
  private timer?: ReturnType<typeof setTimeout>
  private readonly stops: (() => void)[] = []
  private wasUp = false
  /** Numbers of rows taken in this page's life: what a proof counts. */
  taken = 0

  constructor(
    private readonly socket: Socket,
    private readonly keep: Keep,
    private readonly receiver: number,
    private readonly clocks: Clocks = { now: localNow, wall: Date.now },
  ) {}

  /** Reads what earlier pages left, and begins to send it. */
  async start(): Promise<void> {
    const { boots, rows } = await this.keep.load()
    for (const boot of boots.filter((each) => each.receiver === this.receiver)) this.groups.push(grouped(boot))
    rows.sort((a, b) => a.seq - b.seq)
    for (const { class: of, boot, source, ...row } of rows) {
      const group = this.groups.find((each) => each.boot.class === of && each.boot.boot === boot)
      if (group) outboxOf(group, source).restore(row)
    }
    for (const group of [...this.groups]) this.dropEmpty(group)
    this.stops.push(
      this.socket.listen((push) => this.hear(push)),
      this.socket.watch((link) => {
        const up = link.state === 'live' || link.state === 'resuming' || link.state === 'lagging'
        if (up && !this.wasUp) this.reconnected()
        this.wasUp = up
      }),
    )
    this.tell()
    this.look()
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop()
    clearTimeout(this.timer)
    this.timer = undefined
  }

  watch(watcher: (state: Recording) => void): () => void {
    this.watchers.add(watcher)
    watcher(this.state)
    return () => this.watchers.delete(watcher)
  }

  /** From now on what is measured belongs to this class, in which one has a place. */
  record(id: string, clock: ClassClock): void {
    if (this.current?.class === id) return
    this.current = { class: id, clock: { ...clock } }
    this.group = undefined
  }

  /** What is measured now belongs to nobody. What waits is still sent. */
  pause(): void {
    const { group } = this
    this.current = this.group = undefined
    if (group) this.dropEmpty(group)
  }

  get class(): string | undefined {
    return this.current?.class
  }

  /** A sensor has been put on: the server must know before its first sample. */
  wear(sensor: Sensor): void {
    if (!this.current) return
    const group = this.groupNow()
    if (!group.boot.sensors.some((each) => each.source === sensor.source)) {
      group.boot.sensors.push({ ...sensor })
      this.keep.putBoot(group.boot)
    }
    void this.say(group)
  }

  /** The class knows these sensors already: they came along when one joined. */
  joinedWith(sensors: Sensor[]): void {
    if (!this.current || sensors.length === 0) return
    const group = this.groupNow()
    for (const { source } of sensors) if (!group.boot.paired.includes(source)) group.boot.paired.push(source)
    this.keep.putBoot(group.boot)
  }

  /** Takes a sample at `at` local milliseconds. False where nothing is recorded now. */
  measured(sensor: Sensor, sample: Measured, at: number = this.clocks.now()): boolean {
    if (!this.current) return false
    this.wear(sensor)
    const { group } = this
    const row = outboxOf(group!, sensor.source).push(at - group!.boot.startedAt, sample)
    if (!row) {
      this.state = { ...this.state, lost: this.state.lost + 1 }
      this.tell()
      return false
    }
    this.taken++
    this.keep.putRow({ class: group!.boot.class, boot: group!.boot.boot, source: sensor.source, ...row })
    this.tell()
    this.pumpSoon()
    return true
  }

  /** The boot that counts now; a new one where the device's clock stood still. */
  private groupNow(): Group {
    const drift = this.clocks.wall() - this.clocks.now()
    const jumped = this.group !== undefined && Math.abs(drift - this.drift) > JUMP_MS
    if (this.group && !jumped) return this.group
    this.drift = drift
    const before = this.groups.filter((each) => each.boot.class === this.current!.class)
    const taken = new Set(before.map((each) => each.boot.boot))
    let boot = Math.floor(this.clocks.wall()) % 0xffff_ffff
    while (taken.has(boot)) boot++
    const [sensors, paired] = [[], [...new Set(before.flatMap((each) => each.boot.paired))]]
    const group = grouped({ ...this.current!, receiver: this.receiver, boot, startedAt: this.clocks.now(), sensors, paired })
    group.mustMeasure = jumped
    this.groups.push(group)
    this.group = group
    this.keep.putBoot(group.boot)
    return group
  }

  private reconnected(): void {
    for (const group of this.groups) {
      for (const outbox of group.outboxes.values()) outbox.reconnected()
      void this.say(group)
    }
    this.pump()
  }

  /** Says whose the sensors are and how the clock stands, once; then its rows may go. */
  private async say(group: Group): Promise<void> {
    const { boot } = group
    const strange = boot.sensors.filter(({ source }) => !boot.paired.includes(source))
    if (group.saying || !this.socket.welcome || (boot.offset !== undefined && strange.length === 0)) return
    group.saying = true
    let again = false
    try {
      const id = uuidBytes(boot.class)
      for (const sensor of strange) {
        await this.socket.command((cmd) => ({ t: 'class', class: id, cmd, act: { t: 'pair', sensor } }))
        boot.paired.push(sensor.source)
        again = boot.sensors.some(({ source }) => !boot.paired.includes(source))
      }
      if (boot.offset === undefined) {
        if (group.mustMeasure || !this.socket.clock.measured) await this.socket.measureNow()
        group.mustMeasure = false
        const offset = Math.round(classTime(boot.clock, boot.startedAt + this.socket.clock.offset))
        const { receiver } = boot
        const answer = await this.socket.command((cmd) => ({ t: 'class', class: id, cmd, act: { t: 'boot', receiver, boot: boot.boot, offset } }))
        boot.offset = answer.t === 'booted' ? answer.offset : offset
      }
      if (this.groups.includes(group)) this.keep.putBoot(boot)
    } catch (error) {
      if (error instanceof Refused) this.refused(group, error.refusal)
      // Else the reconnect says it again.
    } finally {
      group.saying = false
    }
    if (again) void this.say(group)
    this.pumpSoon()
  }

  private hear(push: Response): void {
    if (push.t === 'mine' || push.t === 'acked') return this.acknowledged(uuidText(push.class), push.acks ?? [])
    if (push.t !== 'unwanted') return
    const id = uuidText(push.class)
    for (const group of this.groups) if (group.boot.class === id) this.refused(group, push.refusal)
  }

  private acknowledged(id: string, acks: Acked[]): void {
    for (const [receiver, boot, sources] of acks) {
      const group = this.groups.find((each) => each.boot.class === id && each.boot.boot === boot && receiver === this.receiver)
      if (!group) continue
      for (const acked of sources) {
        const gone = group.outboxes.get(acked[0])?.acknowledged(acked) ?? []
        if (gone.length) this.keep.dropRows(group.boot, acked[0], gone)
      }
      this.dropEmpty(group)
    }
    if (acks.length) this.tell()
  }

  private refused(group: Group, refusal: Refusal): void {
    const { boot } = group
    switch (refusal.code) {
      case 'no_boot':
        boot.offset = undefined
        break
      case 'unknown_source':
        boot.paired = []
        break
      case 'too_late':
      case 'gone':
      case 'not_found':
      case 'source_taken':
        return this.giveUp(group, refusal)
      default: // In time: busy, the class is not open yet, one has not joined yet.
    }
    this.keep.putBoot(boot)
    for (const outbox of group.outboxes.values()) outbox.unwanted(this.clocks.now(), refusal.retry_after_ms ?? AGAIN_MS)
    if (refusal.code === 'clock_skew') {
      // This boot's clock cannot be mended: what follows counts from a new one, and these rows go when their time has come.
      if (group === this.group) this.group = undefined
    }
    this.tell(refusal)
  }

  private giveUp(group: Group, refusal: Refusal): void {
    for (const [source, outbox] of group.outboxes) this.keep.dropRows(group.boot, source, outbox.clear())
    this.dropEmpty(group)
    this.tell(refusal)
  }

  private dropEmpty(group: Group): void {
    if (group === this.group || [...group.outboxes.values()].some((each) => each.size > 0)) return
    const at = this.groups.indexOf(group)
    if (at >= 0) this.groups.splice(at, 1)
    this.keep.dropBoot(group.boot)
  }

  /** What waits is looked at each second: it may be due again. */
  private look(): void {
    this.timer = setTimeout(() => {
      if (this.state.waiting > 0) {
        for (const group of this.groups) void this.say(group)
        this.pump()
      }
      this.look()
    }, LOOK_MS)
  }

  private pumpSoon(): void {
    const wait = this.lastPump + PACE_MS - this.clocks.now()
    if (wait <= 0) return this.pump()
    setTimeout(() => this.pump(), wait)
  }

  private pump(): void {
    const now = this.clocks.now()
    const rate = this.socket.welcome?.clock_rate
    if (rate === undefined || now - this.lastPump < PACE_MS / 2) return
    this.lastPump = now
    for (const { boot, outboxes } of this.groups) {
      if (boot.offset === undefined) continue
      let room = FRAME_ROWS_MAX
      const sources: [number, number, Row[]][] = []
      for (const [source, outbox] of outboxes) {
        if (!boot.paired.includes(source)) continue
        for (const run of outbox.takeDue(now, room)) {
          sources.push([source, run[0]!.seq, run.map((row) => rowOf(row, rate))])
          room -= run.length
        }
      }
      if (sources.length) this.socket.tell({ t: 'samples', class: uuidBytes(boot.class), receiver: boot.receiver, boot: boot.boot, sources: sources.slice(0, 32) })
    }
  }

  private tell(refused?: Refusal): void {
    let waiting = 0
    let since: number | undefined
    for (const { boot, outboxes } of this.groups) {
      for (const outbox of outboxes.values()) {
        waiting += outbox.size
        if (outbox.oldestMs !== undefined) since = Math.min(since ?? Infinity, boot.startedAt + outbox.oldestMs)
      }
    }
    this.state = { ...this.state, waiting, since, refused: refused ?? (waiting ? this.state.refused : undefined) }
    for (const watcher of this.watchers) watcher(this.state)
  }
}

function grouped(boot: Boot): Group {
  return { boot, outboxes: new Map(), saying: false, mustMeasure: false }
}

function outboxOf(group: Group, source: number): Outbox {
  let outbox = group.outboxes.get(source)
  if (!outbox) group.outboxes.set(source, (outbox = new Outbox(source)))
  return outbox
}

/** Rows are stamped in class milliseconds: they run `rate` times as fast as ours. */
function rowOf({ ms, bpm, power, cadence, rr }: KeptRow, rate: number): Row {
  const at = Math.round(ms * rate)
  if (rr?.length) return [at, bpm, power ?? null, cadence ?? null, rr]
  if (cadence !== undefined) return [at, bpm, power ?? null, cadence]
  return power === undefined ? [at, bpm] : [at, bpm, power]
}
