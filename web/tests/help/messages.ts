// Messages as a room tells them.

import type { Message } from '../../src/proto/protocol'

export const id = (of: number): Uint8Array => new Uint8Array(16).fill(of)
export const ANA = id(1)
export const BEN = id(2)
/** Noon of a day of this machine: minutes around it are the same day in every zone. */
export const NOON = new Date(2026, 3, 1, 12).getTime()

export function message(seq: number, by = BEN, more: Partial<Message> = {}): Message {
  const cmd = new Uint8Array(16)
  new DataView(cmd.buffer).setUint32(0, seq)
  return { seq, at_ms: NOON + seq * 1_000, by, name: by === ANA ? 'Ana' : 'Ben', cmd, text: `text ${seq}`, ...more }
}
