import { expect, test } from 'vitest'
import { Board } from '../src/live/ticks'
import { NOTHING, type Tile, tileOf } from '../src/live/tile-model'
import { en } from '../src/i18n/en'
import { FLAG_FULL, SIGNAL } from '../src/proto/layout'
import { pack, type RowSpec } from './help/rows'

const ANA = { name: 'Ana K.', seat: '5' }

function tile(row: Omit<RowSpec, 'slot'>, silence = 0, ended = false): Tile {
  const board = new Board()
  board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0, ...row }] }))
  return tileOf(board, 0, ANA, silence, ended, en.wall)
}

const RIDING = { bpm: 150, percent: 83, zone: 4, points: 42, kcal: 210, rank: 3 }

test('live: percent, zone by digit and word, points and rank', () => {
  expect(tile(RIDING)).toEqual({
    name: 'Ana K.', seat: '5', rank: '#3', look: 'zone', zone: 4, hero: '83', unit: 'percent',
    bpm: '150', kcal: '210', points: '42', note: 'Threshold', shorter: [], age: '', over: false, hand: false,
  })
})

test('without a profile: bpm is the hero, and there is no zone and no rank', () => {
  expect(tile({ bpm: 131 })).toMatchObject({ look: 'plain', zone: -1, hero: '131', unit: 'bpm', rank: '', points: '', note: '' })
})

test('without consent: no heart rate, no percent, no zone, no kcal; points and rank stay', () => {
  expect(tile({ points: 42, rank: 3 })).toMatchObject({ look: 'private', hero: '42', unit: 'points', bpm: '', zone: -1, kcal: '', rank: '#3', note: 'Heart rate hidden' })
})

test('over the maximum is said, and the number stays', () => {
  expect(tile({ ...RIDING, percent: 102, zone: 5, over: true })).toMatchObject({ look: 'zone', hero: '102', over: true, note: 'Over maximum', shorter: ['Over max', '> 100 %'] })
})

test('stale: dim, with its age', () => {
  expect(tile({ ...RIDING, signal: SIGNAL.STALE })).toMatchObject({ look: 'stale', hero: '83', note: '3 s ago' })
  expect(tile({ ...RIDING, signal: SIGNAL.STALE }, 2_100)).toMatchObject({ look: 'stale', note: '5 s ago' })
  expect(tile({ ...RIDING, signal: SIGNAL.STALE, over: true }).over).toBe(false)
})

test('lost: no number, the reason and the age', () => {
  expect(tile({ points: 42, signal: SIGNAL.LOST_SENSOR })).toMatchObject({ look: 'lost', hero: NOTHING, bpm: '', zone: -1, note: 'Sensor lost', age: '> 0:10', points: '42' })
  expect(tile({ signal: SIGNAL.LOST_NETWORK })).toMatchObject({ look: 'lost', note: 'No network' })
  expect(tile({ signal: SIGNAL.LEFT })).toMatchObject({ look: 'lost', note: 'Left' })
})

test('lost before our eyes: the age is exact', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, classMs: 0, flags: FLAG_FULL, rows: [{ slot: 0, ...RIDING }] }))
  board.apply(pack({ tick: 2, classMs: 3_000, rows: [{ slot: 0, ...RIDING, signal: SIGNAL.STALE }] }))
  board.apply(pack({ tick: 3, classMs: 7_500, rows: [] }))
  expect(tileOf(board, 0, ANA, 0, false, en.wall).note).toBe('7 s ago')
  board.apply(pack({ tick: 4, classMs: 10_000, rows: [{ slot: 0, signal: SIGNAL.LOST_SENSOR }] }))
  board.apply(pack({ tick: 5, classMs: 14_250, rows: [] }))
  expect(tileOf(board, 0, ANA, 0, false, en.wall)).toMatchObject({ look: 'lost', age: '0:14' })
})

test('a board gone silent ages as a whole: never a number older than 3 s as live, none older than 10 s at all', () => {
  expect(tile(RIDING, 1_500).look).toBe('zone')
  expect(tile(RIDING, 1_600)).toMatchObject({ look: 'stale', note: '3 s ago' })
  expect(tile(RIDING, 8_600)).toMatchObject({ look: 'lost', hero: NOTHING, bpm: '', note: 'No network', age: '0:10' })
})

test('one that ages is live until it is 3 s old, whether ticks come or not', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, classMs: 0, flags: FLAG_FULL, rows: [{ slot: 0, ...RIDING }] }))
  board.apply(pack({ tick: 2, classMs: 1_500, rows: [{ slot: 0, ...RIDING, signal: SIGNAL.AGEING }] }))
  const look = (silence: number) => tileOf(board, 0, ANA, silence, false, en.wall).look
  expect([look(0), look(1_500), look(1_600)]).toEqual(['zone', 'zone', 'stale'])
  board.apply(pack({ tick: 3, classMs: 2_500, rows: [] }))
  expect([look(0), look(500), look(600)]).toEqual(['zone', 'zone', 'stale'])
  expect(tile({ ...RIDING, signal: SIGNAL.AGEING }, 100).look, 'so before we came: it may be as old as can be').toBe('stale')
})

test('waiting for the first sample', () => {
  expect(tile({ signal: SIGNAL.WAITING, points: 0, rank: 1 })).toMatchObject({ look: 'waiting', hero: NOTHING, note: 'No sensor yet' })
})

test('after the end: points', () => {
  expect(tile({ ...RIDING, signal: SIGNAL.LOST_SENSOR }, 60_000, true)).toMatchObject({ look: 'final', hero: '42', unit: 'points', rank: '#3' })
})

test('a person whose name has not come yet is not a blank', () => {
  const board = new Board()
  board.apply(pack({ tick: 1, rows: [{ slot: 4, bpm: 90 }] }))
  expect(tileOf(board, 4, undefined, 0, false, en.wall).name).toBe('Person 5')
})

test('one whose samples all come late is stale, as the server says, and lost only when it says so', () => {
  const board = new Board()
  const late = (tick: number, classMs: number, bpm: number) => board.apply(pack({ tick, classMs, flags: tick === 1 ? FLAG_FULL : 0, rows: [{ slot: 0, ...RIDING, bpm, signal: SIGNAL.STALE }] }))
  const shown = (silence = 0) => tileOf(board, 0, ANA, silence, false, en.wall)
  late(1, 1_000, 150)
  late(2, 21_000, 150)
  expect(shown()).toMatchObject({ look: 'stale', hero: '83', note: '10 s ago' })
  expect(shown(1_000).look).toBe('lost')
  late(3, 22_000, 151)
  expect(shown()).toMatchObject({ look: 'stale', note: '3 s ago' })
})
