// The board as typed arrays by slot, filled straight from packed ticks. No objects per row, nothing kept per tick.

import * as L from '../proto/layout'

/** What the last tick's header said. */
export interface Header {
  epoch: number
  tick: number
  /** Class time of the tick, milliseconds. */
  classMs: number
  phase: number
  /** Which run of the plan; `NO_RUN` outside it. */
  run: number
  /** What the run still lasts, class milliseconds; `NO_END` where it is held. */
  leftMs: number
  /** People in the class. */
  riders: number
}

const FIRST_SLOTS = 64

export class Board {
  header?: Header
  /** Slots that the last tick changed, the first `changedCount` of them. */
  changed = new Uint16Array(FIRST_SLOTS)
  changedCount = 0
  /** Slots that the last tick took away. */
  removed: number[] = []

  present = new Uint8Array(FIRST_SLOTS)
  bpm = new Uint8Array(FIRST_SLOTS)
  percent = new Uint8Array(FIRST_SLOTS)
  state = new Uint8Array(FIRST_SLOTS)
  points = new Uint16Array(FIRST_SLOTS)
  kcal = new Uint16Array(FIRST_SLOTS)
  rank = new Uint16Array(FIRST_SLOTS)
  /** Place in the newest full frame, which is in rank order; a slot that came after it has none yet: `ABSENT_U16`. */
  place = new Uint16Array(FIRST_SLOTS)
  /** Class time at which the present signal was first seen; of a stale one, when its heart rate was last seen to change. */
  since = new Float64Array(FIRST_SLOTS)
  /** 1 where it was so already when we came: it is older than `since` says. */
  older = new Uint8Array(FIRST_SLOTS)

  /** Slots of the full frame that is coming in, in parts. */
  private arrived = new Uint8Array(FIRST_SLOTS)
  private arriving = false
  private places = 0
  private knowsAll = false

  /** False where the frame is older than what is shown, or cut off. */
  apply(bytes: Uint8Array): boolean {
    this.changedCount = 0
    this.removed = []
    if (bytes.byteLength < L.HEADER_BYTES) return false
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const rows = view.getUint16(L.HEADER_ROWS, true)
    if (bytes.byteLength < L.HEADER_BYTES + rows * L.ROW_BYTES) return false
    const epoch = view.getUint32(L.HEADER_EPOCH, true)
    const tick = view.getUint32(L.HEADER_TICK, true)
    const last = this.header
    if (last?.epoch === epoch && tick < last.tick) return false
    // A new epoch counts its ticks from the start; the people are the same, and a full frame follows at once.
    if (this.arriving && (last?.tick !== tick || last.epoch !== epoch)) this.arriving = false

    this.header = {
      epoch,
      tick,
      classMs: view.getFloat64(L.HEADER_CLASS_MS, true),
      phase: view.getUint8(L.HEADER_PHASE),
      run: view.getUint16(L.HEADER_RUN, true),
      leftMs: view.getUint32(L.HEADER_LEFT_MS, true),
      riders: view.getUint16(L.HEADER_RIDERS, true),
    }
    const flags = view.getUint8(L.HEADER_FLAGS)
    const full = (flags & L.FLAG_FULL) !== 0
    if (full && !this.arriving) {
      this.arriving = true
      this.arrived.fill(0)
      this.places = 0
    }
    for (let row = 0, at = L.HEADER_BYTES; row < rows; row++, at += L.ROW_BYTES) this.take(view, at, full)
    if (full && (flags & L.FLAG_MORE) === 0) this.finish()
    return true
  }

  /** People in each zone, 0–5. */
  zones(): number[] {
    const zones = [0, 0, 0, 0, 0, 0]
    for (let slot = 0; slot < this.present.length; slot++) {
      const zone = zoneOf(this.state[slot]!)
      if (this.present[slot] === 1 && zone < zones.length) zones[zone]!++
    }
    return zones
  }

  private take(view: DataView, at: number, full: boolean): void {
    const slot = view.getUint16(at + L.ROW_SLOT, true)
    if (slot >= this.present.length) this.grow(slot)
    const state = view.getUint8(at + L.ROW_STATE)
    const bpm = view.getUint8(at + L.ROW_BPM)
    const isNew = this.present[slot] === 0
    const newer = signalOf(state) === L.SIGNAL.STALE && this.bpm[slot] !== bpm
    if (isNew || newer || signalOf(this.state[slot]!) !== signalOf(state)) {
      this.since[slot] = this.header!.classMs
      this.older[slot] = isNew && !this.knowsAll ? 1 : 0
    }
    this.present[slot] = 1
    this.state[slot] = state
    this.bpm[slot] = bpm
    this.percent[slot] = view.getUint8(at + L.ROW_PERCENT)
    this.points[slot] = view.getUint16(at + L.ROW_POINTS, true)
    this.kcal[slot] = view.getUint16(at + L.ROW_KCAL, true)
    this.rank[slot] = view.getUint16(at + L.ROW_RANK, true)
    if (full) {
      this.place[slot] = this.places++
    } else if (isNew) {
      this.place[slot] = L.ABSENT_U16
    }
    this.arrived[slot] = 1
    if (this.changedCount === this.changed.length) this.changed = larger(this.changed, this.present.length * 2)
    this.changed[this.changedCount++] = slot
  }

  /** The last part of a full frame: who was in none of its parts is gone. */
  private finish(): void {
    this.arriving = false
    this.knowsAll = true
    for (let slot = 0; slot < this.present.length; slot++) {
      if (this.present[slot] === 1 && this.arrived[slot] === 0) this.remove(slot)
    }
  }

  /** This person is no longer shown. */
  remove(slot: number): void {
    if (this.present[slot] !== 1) return
    this.present[slot] = 0
    this.removed.push(slot)
  }

  private grow(slot: number): void {
    let size = this.present.length
    while (size <= slot) size *= 2
    this.present = larger(this.present, size)
    this.bpm = larger(this.bpm, size)
    this.percent = larger(this.percent, size)
    this.state = larger(this.state, size)
    this.points = larger(this.points, size)
    this.kcal = larger(this.kcal, size)
    this.rank = larger(this.rank, size)
    this.place = larger(this.place, size)
    this.since = larger(this.since, size)
    this.older = larger(this.older, size)
    this.arrived = larger(this.arrived, size)
  }
}

function larger<T extends Uint8Array | Uint16Array | Float64Array>(array: T, size: number): T {
  const wider = new (array.constructor as new (size: number) => T)(size)
  wider.set(array)
  return wider
}

export function signalOf(state: number): number {
  return (state & L.STATE_SIGNAL_MASK) >> L.STATE_SIGNAL_SHIFT
}

export function zoneOf(state: number): number {
  return state & L.STATE_ZONE_MASK
}
