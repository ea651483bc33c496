import { expect, test } from 'vitest'
import { compareSeats, findPerson, ordered } from '../src/live/order'
import { Board } from '../src/live/ticks'
import { FLAG_FULL } from '../src/proto/layout'
import { pack } from './help/rows'

const people = new Map([
  [0, { name: 'Vera', seat: '10' }],
  [1, { name: 'Ana', seat: '2' }],
  [2, { name: 'Oleg', seat: '7' }],
  [3, { name: 'Guest' }],
])
const board = new Board()
board.apply(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0, rank: 1 }, { slot: 1, rank: 1 }, { slot: 2, rank: 3 }, { slot: 3 }] }))

test('by rank: equal ranks by seat as people count, the unranked last', () => {
  expect(ordered(board, people, 'rank', 'en')).toEqual([1, 0, 2, 3])
})

test('by seat and by name', () => {
  expect(ordered(board, people, 'seat', 'en')).toEqual([1, 2, 0, 3])
  expect(ordered(board, people, 'name', 'en')).toEqual([1, 3, 2, 0])
})

test('seats: 2 before 10', () => {
  expect(['10', '2', 'B1', '1'].sort(compareSeats)).toEqual(['1', '2', '10', 'B1'])
})

test('found by seat, else by the beginning of a name', () => {
  expect([findPerson(people, '10'), findPerson(people, 'ol'), findPerson(people, ' '), findPerson(people, 'x')]).toEqual([0, 2, undefined, undefined])
})

test('by need: who needs a look first, in that order, then by rank; who is not here is left out', () => {
  expect(ordered(board, people, 'need', 'en', [3, 2, 40])).toEqual([3, 2, 1, 0])
})
