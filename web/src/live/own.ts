// One's own row of a running class: what `mine` brings, four times a second at most, never redacted.

import type { Mine } from '../proto/protocol'
import * as L from '../proto/layout'
import { signalOf, zoneOf } from './ticks'

export interface OwnRow {
  slot: number
  /** None where it is not known. */
  bpm?: number
  percent?: number
  /** 0–5; none without a maximum. */
  zone?: number
  signal: number
  over: boolean
  hand: boolean
  points?: number
  kcal?: number
  rank?: number
  splats: number
  /** Local milliseconds at which it came, and at which its signal began. */
  at: number
  since: number
}

const known = (value: number, absent: number): number | undefined => (value === absent ? undefined : value)

export function ownRow(mine: Mine, at: number, before?: OwnRow): OwnRow | undefined {
  const { row, splats } = mine
  if (row.byteLength < L.ROW_BYTES) return undefined
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength)
  const state = view.getUint8(L.ROW_STATE)
  const signal = signalOf(state)
  return {
    slot: view.getUint16(L.ROW_SLOT, true),
    bpm: known(view.getUint8(L.ROW_BPM), L.ABSENT_U8),
    percent: known(view.getUint8(L.ROW_PERCENT), L.ABSENT_U8),
    zone: known(zoneOf(state), L.ZONE_ABSENT),
    signal,
    over: (state & L.STATE_OVER_MAX) !== 0,
    hand: (state & L.STATE_HAND) !== 0,
    points: known(view.getUint16(L.ROW_POINTS, true), L.ABSENT_U16),
    kcal: known(view.getUint16(L.ROW_KCAL, true), L.ABSENT_U16),
    rank: known(view.getUint16(L.ROW_RANK, true), L.ABSENT_U16),
    splats,
    at,
    since: before && before.signal === signal ? before.since : at,
  }
}

/** Where zones begin, as thousandths of the maximum: the exact ratio, never the rounded percent. */
const FLOORS = [500, 600, 700, 800, 900]

export function zoneBy(bpm: number, hrMax: number): number {
  return FLOORS.filter((floor) => bpm * 1_000 >= floor * hrMax).length
}
