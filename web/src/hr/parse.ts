// Notifications of sensors, as the Bluetooth SIG's GATT Specification Supplement lays them out. Little-endian. A packet that is cut off
// gives what was whole, or nothing.

export interface HeartRate {
  bpm: number
  /** The strap says that it does not touch the skin. */
  offBody: boolean
  /** Milliseconds, oldest first. */
  rr: number[]
}

/** Heart Rate Measurement, 0x2A37. */
export function heartRate(view: DataView): HeartRate | undefined {
  if (view.byteLength < 2) return undefined
  const flags = view.getUint8(0)
  const wide = (flags & 0x01) !== 0
  if (wide && view.byteLength < 3) return undefined
  const bpm = wide ? view.getUint16(1, true) : view.getUint8(1)
  let at = (wide ? 3 : 2) + ((flags & 0x08) !== 0 ? 2 : 0)
  const rr: number[] = []
  if ((flags & 0x10) !== 0) for (; at + 2 <= view.byteLength; at += 2) rr.push(Math.round((view.getUint16(at, true) * 1_000) / 1_024))
  return { bpm, offBody: (flags & 0x06) === 0x04, rr }
}

export interface Machine {
  bpm?: number
  power?: number
  cadence?: number
}

/** What stands in a fitness machine's packet, field by field: the flag's bit, its bytes, and what it is for us. */
type Field = [bit: number, bytes: number, read?: (view: DataView, at: number, into: Machine) => void]

const s16 = (key: 'power') => (view: DataView, at: number, into: Machine) => (into[key] = Math.max(0, view.getInt16(at, true)))
const heart = (view: DataView, at: number, into: Machine) => {
  const bpm = view.getUint8(at)
  if (bpm > 0) into.bpm = bpm
}

// Bit 0 is “more data”: the first field is there where it is not set.
const BIKE: Field[] = [
  [0, 2],
  [1, 2],
  [2, 2, (view, at, into) => (into.cadence = Math.round(view.getUint16(at, true) / 2))],
  [3, 2],
  [4, 3],
  [5, 2],
  [6, 2, s16('power')],
  [7, 2],
  [8, 5],
  [9, 1, heart],
]
const ROWER: Field[] = [
  [0, 3, (view, at, into) => (into.cadence = Math.round(view.getUint8(at) / 2))],
  [1, 1],
  [2, 3],
  [3, 2],
  [4, 2],
  [5, 2, s16('power')],
  [6, 2],
  [7, 2],
  [8, 5],
  [9, 1, heart],
]

function machine(view: DataView, fields: Field[]): Machine {
  const into: Machine = {}
  if (view.byteLength < 2) return into
  const flags = view.getUint16(0, true)
  let at = 2
  for (const [bit, bytes, read] of fields) {
    const there = bit === 0 ? (flags & 1) === 0 : (flags & (1 << bit)) !== 0
    if (!there) continue
    if (at + bytes > view.byteLength) break
    read?.(view, at, into)
    at += bytes
  }
  return into
}

/** Indoor Bike Data, 0x2AD2. */
export const indoorBike = (view: DataView): Machine => machine(view, BIKE)
/** Rower Data, 0x2AD1. */
export const rower = (view: DataView): Machine => machine(view, ROWER)

/** The crank's counter in a Cycling Power Measurement: turns, and when the last one was, in 1/1024 s. */
export interface Crank {
  turns: number
  at: number
}

/** Cycling Power Measurement, 0x2A63: power, and cadence from two counters. */
export function cyclingPower(view: DataView, before?: Crank): { machine: Machine; crank?: Crank } {
  if (view.byteLength < 4) return { machine: {} }
  const flags = view.getUint16(0, true)
  const power = Math.max(0, view.getInt16(2, true))
  let at = 4
  if ((flags & 0x01) !== 0) at += 1
  if ((flags & 0x04) !== 0) at += 2
  if ((flags & 0x10) !== 0) at += 6
  if ((flags & 0x20) === 0 || at + 4 > view.byteLength) return { machine: { power } }
  const crank = { turns: view.getUint16(at, true), at: view.getUint16(at + 2, true) }
  const turns = before ? (crank.turns - before.turns) & 0xffff : 0
  const time = before ? (crank.at - before.at) & 0xffff : 0
  if (!before || time === 0) return { machine: before ? { power, cadence: 0 } : { power }, crank }
  return { machine: { power, cadence: Math.min(254, Math.round((turns * 60 * 1_024) / time)) }, crank }
}

export function hex(view: DataView): string {
  return Array.from({ length: view.byteLength }, (_, at) => view.getUint8(at).toString(16).padStart(2, '0')).join(' ')
}
