// What one sensor has measured and the server has not acknowledged, in the order of its numbers. Knows no socket and no clock:
// times come in as arguments. The recorder owns one for each sensor and boot.

import type { SourceAcked } from '../proto/protocol'

/** Rows kept for one sensor of one boot: eight hours at 1 Hz. Above it the newest are refused: what was measured first matters most. */
export const OUTBOX_ROWS_MAX = 8 * 3600
/** Rows of one frame: with RR intervals they fit a frame twice. */
export const FRAME_ROWS_MAX = 600
/** After so long without an acknowledgement a row is sent again. */
export const RESEND_MS = 5_000

/** What a sensor says at one moment. `bpm` 0: no heart rate. */
export interface Measured {
  bpm: number
  /** W and revolutions (or strokes) a minute. */
  power?: number
  cadence?: number
  /** Milliseconds, oldest first. */
  rr?: number[]
}

export interface KeptRow extends Measured {
  seq: number
  /** Real milliseconds since the boot. */
  ms: number
}

interface Waiting {
  row: KeptRow
  sentAt?: number
}

export class Outbox {
  private waiting: Waiting[] = []
  private next = 0

  constructor(readonly source: number) {}

  /** A row that was kept over a reload; in order. */
  restore(row: KeptRow): void {
    this.waiting.push({ row })
    this.next = Math.max(this.next, row.seq + 1)
  }

  /** The row with its number; none where there is no room. */
  push(ms: number, measured: Measured): KeptRow | undefined {
    if (this.waiting.length >= OUTBOX_ROWS_MAX) return undefined
    const row = { ...measured, seq: this.next++, ms }
    this.waiting.push({ row })
    return row
  }

  /** Consecutive rows that should go out now: new ones, and old ones that nobody acknowledged in time. At most `max` in all. */
  takeDue(now: number, max: number): KeptRow[][] {
    const runs: KeptRow[][] = []
    let taken = 0
    for (const each of this.waiting) {
      if (taken >= max) break
      if (each.sentAt !== undefined && now - each.sentAt < RESEND_MS) continue
      each.sentAt = now
      taken++
      const run = runs.at(-1)
      if (run && run.at(-1)!.seq + 1 === each.row.seq) run.push(each.row)
      else runs.push([each.row])
    }
    return runs
  }

  /** All that waits goes out again: the socket is a new one. */
  reconnected(): void {
    for (const each of this.waiting) each.sentAt = undefined
  }

  /** Refused with `busy` or a like word: again `inMs` from now, not sooner. */
  unwanted(now: number, inMs: number): void {
    for (const each of this.waiting) if (each.sentAt !== undefined) each.sentAt = now - RESEND_MS + inMs
  }

  /** Drops what is on the server's disk and gives the numbers that are. */
  acknowledged([source, through, ranges]: SourceAcked): number[] {
    if (source !== this.source) return []
    const gone: number[] = []
    this.waiting = this.waiting.filter(({ row: { seq } }) => {
      const held = seq < through || ranges.some(([from, to]) => seq >= from && seq < to)
      if (held) gone.push(seq)
      return !held
    })
    return gone
  }

  /** Nobody will take them any more. */
  clear(): number[] {
    return this.waiting.splice(0).map(({ row }) => row.seq)
  }

  /** Rows without an acknowledgement. */
  get size(): number {
    return this.waiting.length
  }

  get oldestMs(): number | undefined {
    return this.waiting[0]?.row.ms
  }
}
