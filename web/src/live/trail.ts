// The heart rates of the last five minutes of class time, by slot: what the desk has seen since it was opened. Fixed size, a byte a second.

import { ABSENT_U8, SIGNAL } from '../proto/layout'
import { type Board, signalOf } from './ticks'

export const TRAIL_S = 300

export class Trail {
  private readonly rings = new Map<number, Uint8Array>()
  private second = -Infinity

  /** The last tick has been applied to the board. */
  tick(board: Board): void {
    const now = Math.floor((board.header?.classMs ?? 0) / 1_000)
    if (now <= this.second) return
    const passed = Math.min(now - this.second, TRAIL_S)
    for (let slot = 0; slot < board.present.length; slot++) if (board.present[slot] === 1) this.write(board, slot, now, passed)
    this.second = now
  }

  /** bpm by second, oldest first; 0 where none is known. */
  of(slot: number): number[] {
    const ring = this.rings.get(slot)
    if (!ring) return []
    return Array.from({ length: TRAIL_S }, (_, index) => ring[at(this.second - TRAIL_S + 1 + index)]!)
  }

  private write(board: Board, slot: number, now: number, passed: number): void {
    let ring = this.rings.get(slot)
    if (!ring) this.rings.set(slot, (ring = new Uint8Array(TRAIL_S)))
    const signal = signalOf(board.state[slot]!)
    const bpm = signal === SIGNAL.LIVE && board.bpm[slot] !== ABSENT_U8 ? board.bpm[slot]! : 0
    // Where class time runs fast, a tick speaks for all seconds since the one before it.
    for (let second = now - passed + 1; second <= now; second++) ring[at(second)] = bpm
  }
}

const at = (second: number): number => ((second % TRAIL_S) + TRAIL_S) % TRAIL_S
