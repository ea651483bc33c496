import { expect, test } from 'vitest'
import { Board } from '../src/live/ticks'
import { Trail, TRAIL_S } from '../src/live/trail'
import { FLAG_FULL, SIGNAL } from '../src/proto/layout'
import { pack } from './help/rows'

test('the last five minutes are kept by the second, and no more', () => {
  const [board, trail] = [new Board(), new Trail()]
  for (let second = 0; second < 400; second++) {
    board.apply(pack({ tick: second + 1, classMs: second * 1_000, flags: FLAG_FULL, rows: [{ slot: 2, bpm: 100 + (second % 50), signal: SIGNAL.LIVE }] }))
    trail.tick(board)
  }
  const kept = trail.of(2)
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([TRAIL_S, 100, 149])
  expect(trail.of(3)).toEqual([])
})

test('a second without a heart rate is a gap, and seconds between two ticks are of the later one', () => {
  const [board, trail] = [new Board(), new Trail()]
  const tell = (tick: number, classMs: number, bpm: number, signal: number) => {
    board.apply(pack({ tick, classMs, flags: FLAG_FULL, rows: [{ slot: 0, bpm, signal }] }))
    trail.tick(board)
  }
  tell(1, 10_000, 120, SIGNAL.LIVE)
  tell(2, 15_000, 130, SIGNAL.LIVE)
  tell(3, 16_000, 130, SIGNAL.LOST_SENSOR)
  expect(trail.of(0).slice(-7)).toEqual([120, 130, 130, 130, 130, 130, 0])
})
