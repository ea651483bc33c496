import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Board, signalOf, zoneOf } from '../src/live/ticks'
import { decodeResponse } from '../src/proto/codec'
import { ABSENT_U16, ABSENT_U8, FLAG_FULL, FLAG_MORE, ROW_BYTES, SIGNAL } from '../src/proto/layout'
import { pack } from './help/rows'

const GOLDEN = new URL('../../protocol/tests/golden/frames.json', import.meta.url)
const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as { from: string; name: string; hex: string }[]
const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16))

test('every golden frame of the server is read', () => {
  const frames = golden.filter((frame) => frame.from === 'server')
  expect(frames.length).toBeGreaterThan(20)
  for (const frame of frames) expect(decodeResponse(bytesOf(frame.hex))[1].t, frame.name).toBeTypeOf('string')
})

test('the golden tick fills the board', () => {
  const [, frame] = decodeResponse(bytesOf(golden.find((each) => each.name === 'tick')!.hex))
  if (frame.t !== 'tick') throw new Error(`a ${frame.t}`)
  const board = new Board()
  expect(board.apply(frame.b)).toBe(true)
  expect(board.header).toEqual({ epoch: 7, tick: 70_000, classMs: 1_795_543_261_250, phase: 3, run: 2, leftMs: 58_750, riders: 1 })
  expect([...board.changed.subarray(0, board.changedCount)]).toEqual([0])
  expect([board.bpm[0], board.percent[0], board.points[0], board.kcal[0], board.rank[0]]).toEqual([120, 70, 120, 310, 1])
  expect([signalOf(board.state[0]!), zoneOf(board.state[0]!)]).toEqual([SIGNAL.LIVE, 0])
})

test('a frame of changes touches only its slots', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0, bpm: 100 }, { slot: 1, bpm: 110 }] }))
  board.apply(pack({ tick: 2, rows: [{ slot: 1, bpm: 111 }] }))
  expect([board.bpm[0], board.bpm[1]]).toEqual([100, 111])
  expect([...board.changed.subarray(0, board.changedCount)]).toEqual([1])
  expect([board.percent[1], board.points[1]]).toEqual([ABSENT_U8, ABSENT_U16])
})

test('whom a full frame lacks is gone, but only after its last part', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0 }, { slot: 1 }, { slot: 2 }] }))
  board.apply(pack({ tick: 2, flags: FLAG_FULL | FLAG_MORE, rows: [{ slot: 2 }] }))
  expect([...board.present.subarray(0, 3)]).toEqual([1, 1, 1])
  board.apply(pack({ tick: 2, flags: FLAG_FULL, rows: [{ slot: 0 }] }))
  expect([...board.present.subarray(0, 3)]).toEqual([1, 0, 1])
  expect(board.removed).toEqual([1])
  expect([board.place[2], board.place[0]]).toEqual([0, 1])
})

test('a full frame that stayed unfinished takes nobody away', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0 }, { slot: 1 }] }))
  board.apply(pack({ tick: 2, flags: FLAG_FULL | FLAG_MORE, rows: [{ slot: 0 }] }))
  board.apply(pack({ tick: 3, rows: [{ slot: 0 }] }))
  expect([...board.present.subarray(0, 2)]).toEqual([1, 1])
})

test('a board that is whole gets no older by a late frame, and a new epoch counts anew', () => {
  const board = new Board()
  board.apply(pack({ tick: 9, rows: [{ slot: 0, bpm: 120 }] }))
  expect(board.apply(pack({ tick: 8, rows: [{ slot: 0, bpm: 90 }] }))).toBe(false)
  expect(board.bpm[0]).toBe(120)
  expect(board.apply(pack({ epoch: 2, tick: 1, rows: [{ slot: 0, bpm: 121 }] }))).toBe(true)
  expect(board.bpm[0]).toBe(121)
})

test('a frame that is cut off is refused whole', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, rows: [{ slot: 0, bpm: 120 }] }))
  const whole = pack({ tick: 2, rows: [{ slot: 0, bpm: 130 }, { slot: 1, bpm: 90 }] })
  expect(board.apply(whole.subarray(0, whole.length - ROW_BYTES / 2))).toBe(false)
  expect(board.apply(whole.subarray(0, 10))).toBe(false)
  expect([board.bpm[0], board.present[1]]).toEqual([120, 0])
})

test('the tables grow with the slots, and keep what they had', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 3, bpm: 99 }, { slot: 19_999, bpm: 150 }] }))
  expect([board.bpm[3], board.bpm[19_999]]).toEqual([99, 150])
})

test('how long a signal lasts is known from its change on', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, classMs: 1_000, flags: FLAG_FULL, rows: [{ slot: 0 }, { slot: 1, signal: SIGNAL.STALE }] }))
  board.apply(pack({ tick: 2, classMs: 2_000, rows: [{ slot: 0, signal: SIGNAL.STALE }] }))
  board.apply(pack({ tick: 3, classMs: 3_000, rows: [{ slot: 0, signal: SIGNAL.STALE }] }))
  expect([board.since[0], board.older[0]]).toEqual([2_000, 0])
  expect([board.since[1], board.older[1]]).toEqual([1_000, 1])
})
