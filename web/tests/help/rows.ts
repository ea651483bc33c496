// Packs ticks as the server does, to feed the board with.

import * as L from '../../src/proto/layout'

export interface RowSpec {
  slot: number
  bpm?: number
  percent?: number
  zone?: number
  signal?: number
  over?: boolean
  hand?: boolean
  points?: number
  kcal?: number
  rank?: number
}

export interface TickSpec {
  epoch?: number
  tick: number
  classMs?: number
  flags?: number
  phase?: number
  run?: number
  leftMs?: number
  rows: RowSpec[]
}

export function pack({ epoch = 1, tick, classMs = tick * 250, flags = 0, phase = 3, run = L.NO_RUN, leftMs = L.NO_END, rows }: TickSpec): Uint8Array {
  const bytes = new Uint8Array(L.HEADER_BYTES + rows.length * L.ROW_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(L.HEADER_EPOCH, epoch, true)
  view.setUint32(L.HEADER_TICK, tick, true)
  view.setFloat64(L.HEADER_CLASS_MS, classMs, true)
  view.setUint8(L.HEADER_PHASE, phase)
  view.setUint8(L.HEADER_FLAGS, flags)
  view.setUint16(L.HEADER_RUN, run, true)
  view.setUint32(L.HEADER_LEFT_MS, leftMs, true)
  view.setUint16(L.HEADER_ROWS, rows.length, true)
  view.setUint16(L.HEADER_RIDERS, rows.length, true)
  rows.forEach((row, index) => {
    const at = L.HEADER_BYTES + index * L.ROW_BYTES
    const state = (row.zone ?? L.ZONE_ABSENT) | ((row.signal ?? L.SIGNAL.LIVE) << L.STATE_SIGNAL_SHIFT)
    view.setUint16(at + L.ROW_SLOT, row.slot, true)
    view.setUint8(at + L.ROW_BPM, row.bpm ?? L.ABSENT_U8)
    view.setUint8(at + L.ROW_PERCENT, row.percent ?? L.ABSENT_U8)
    view.setUint8(at + L.ROW_STATE, state | (row.over ? L.STATE_OVER_MAX : 0) | (row.hand ? L.STATE_HAND : 0))
    view.setUint16(at + L.ROW_POINTS, row.points ?? L.ABSENT_U16, true)
    view.setUint16(at + L.ROW_KCAL, row.kcal ?? L.ABSENT_U16, true)
    view.setUint16(at + L.ROW_RANK, row.rank ?? L.ABSENT_U16, true)
  })
  return bytes
}
