// What the big number of the phone says: from the server's row while the link is up, from the sensor itself while it is not.
// A number older than 3 s is dimmed and shows its age; older than 10 s it gives way to the reason.

import { LIMITS, SIGNAL } from '../proto/layout'
import { type OwnRow, zoneBy } from './own'

export type HeroLook = 'live' | 'stale' | 'lost' | 'none'
export type HeroWhy = 'sensor' | 'network' | 'left' | 'waiting' | 'source'

export interface Hero {
  look: HeroLook
  /** Where the number comes from: the class, or this device's own sensor while there is no link. */
  from: 'class' | 'sensor'
  bpm?: number
  percent?: number
  zone?: number
  over: boolean
  /** Milliseconds of real time since the heart rate was measured, as far as is known. */
  ageMs: number
  why?: HeroWhy
}

export interface HeroInput {
  now: number
  /** The link is up, and the class's board ticks. */
  linked: boolean
  row?: OwnRow
  /** Newest sample of this device's own sensor, and all of its last seconds. */
  own?: { bpm: number; at: number }
  recent?: readonly { bpm: number; at: number }[]
  /** Something here measures, or should. */
  worn: boolean
  hrMax?: number
  /** How fast class time runs. */
  rate: number
}

const NONE: Hero = { look: 'none', from: 'class', over: false, ageMs: 0 }

export function heroOf({ now, linked, row, own, recent = [], worn, hrMax, rate }: HeroInput): Hero {
  const ownAge = own ? now - own.at : Infinity
  if (!linked) return bySensor(ownAge, own, worn, hrMax)
  // A row has no stamp: what it says must be what this device has measured just now, or it came late over a bad line.
  const young = (each: { at: number }) => now - each.at <= LIMITS.STALE_MS
  const late = own !== undefined && young(own) && row?.bpm !== undefined && !recent.some((each) => each.bpm === row.bpm && young(each))
  if (late) return bySensor(ownAge, own, worn, hrMax)
  if (!row) return { ...NONE, why: worn ? 'waiting' : 'source' }
  if (row.signal === SIGNAL.LEFT) return { ...NONE, look: 'lost', why: 'left', ageMs: now - row.since }
  if (row.signal === SIGNAL.WAITING) return { ...NONE, why: worn ? 'waiting' : 'source' }
  if (row.signal === SIGNAL.LOST_SENSOR || row.signal === SIGNAL.LOST_NETWORK) {
    // Nothing is worn here, and nothing comes from elsewhere: what helps is a sensor.
    const why = !worn ? 'source' : row.signal === SIGNAL.LOST_SENSOR ? 'sensor' : 'network'
    return { ...NONE, look: 'lost', why, ageMs: LIMITS.LOST_MS / rate + now - row.since }
  }
  const shown = { from: 'class' as const, bpm: row.bpm, percent: row.percent, zone: row.zone, over: row.over }
  if (row.signal === SIGNAL.STALE) return { ...shown, look: 'stale', ageMs: LIMITS.STALE_MS / rate + now - row.since }
  // The server says so of each sample; a row that has not come for long is as old as it is.
  const ageMs = row.signal === SIGNAL.AGEING ? LIMITS.AGEING_MS / rate + now - row.since : now - row.at
  if (ageMs > LIMITS.LOST_MS) return { ...NONE, look: 'lost', why: 'network', ageMs }
  return { ...shown, look: ageMs > LIMITS.STALE_MS ? 'stale' : 'live', ageMs }
}

function bySensor(ageMs: number, own: HeroInput['own'], worn: boolean, hrMax?: number): Hero {
  if (!own || ageMs > LIMITS.LOST_MS) return { ...NONE, look: worn ? 'lost' : 'none', why: worn && own ? 'sensor' : worn ? 'waiting' : 'source', ageMs: own ? ageMs : 0 }
  const zone = hrMax && own.bpm > 0 ? zoneBy(own.bpm, hrMax) : undefined
  const percent = hrMax ? Math.floor((own.bpm * 100) / hrMax) : undefined
  return { look: ageMs > LIMITS.STALE_MS ? 'stale' : 'live', from: 'sensor', bpm: own.bpm, percent, zone, over: hrMax !== undefined && own.bpm > hrMax, ageMs }
}
