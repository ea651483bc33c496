// Where heart rates come from: a strap or a machine by Bluetooth, a count by hand, a simulation. All look the same from outside.

import type { Sensor } from '../proto/protocol'
import type { Measured } from '../net/outbox'

/** off: not begun. connecting: for the first time. live: connected. lost: it was there and is looked for. failed: one must do something. */
export type SourceState = 'off' | 'connecting' | 'live' | 'lost' | 'failed'

export interface SourceWatcher {
  state(state: SourceState): void
  sample(sample: Measured): void
  /** What came over the air, for the signal test. */
  packet?(hex: string): void
}

export interface HrSource {
  readonly sensor: Sensor
  readonly name: string
  state: SourceState
  /** Percent, where it says. */
  battery?: number
  start(): Promise<void>
  stop(): void
}

/** A sensor's id on the wire: 53 bits of SHA-256 of what it is known by here. */
export async function sourceId(text: string): Promise<number> {
  const digest = new DataView(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return digest.getUint32(0) * 2 ** 21 + (digest.getUint32(4) >>> 11)
}

/** 53 random bits: the name of a device that has none. */
export function randomId(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2))
  return (high! >>> 11) * 2 ** 32 + low!
}
