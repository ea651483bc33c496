// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ClassFeed } from '../src/live/feed'
import { Board } from '../src/live/ticks'
import { Wall } from '../src/live/wall'
import { en } from '../src/i18n/en'
import { FLAG_FULL, SIGNAL } from '../src/proto/layout'
import { pack, type RowSpec } from './help/rows'

const FRAMES_MS = 50
const LOOK_MS = 1_100

let host: HTMLElement
let wall: Wall
let board: Board
let silence: number

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} })
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null)
  host = document.createElement('div')
  document.body.replaceChildren(host)
  board = new Board()
  silence = 0
  const feed = { board, people: new Map(), silentMs: () => silence, ended: () => false } as unknown as ClassFeed
  wall = new Wall(host, feed, { words: en.wall, locale: 'en', label: 'People', narrow: () => false, unit: () => 1, view: () => {} })
})

afterEach(() => {
  wall.destroy()
  vi.useRealTimers()
})

function tick(number: number, rows: RowSpec[], flags = 0): void {
  expect(board.apply(pack({ tick: number, flags, rows }))).toBe(true)
  wall.tick()
  vi.advanceTimersByTime(FRAMES_MS)
}

const looks = () => [...host.querySelectorAll<HTMLElement>('.tile')].map((tile) => tile.dataset.look)

test('who was old for want of a frame is live again with the next one, though nothing of theirs has changed', () => {
  const riding = { percent: 83, zone: 4 }
  tick(1, [{ slot: 0, bpm: 150, ...riding }, { slot: 1, bpm: 151, ...riding }], FLAG_FULL)
  expect(looks()).toEqual(['zone', 'zone'])
  silence = 12_000
  vi.advanceTimersByTime(LOOK_MS)
  expect(looks()).toEqual(['lost', 'lost'])
  silence = 0
  tick(2, [{ slot: 1, bpm: 152, ...riding }])
  expect(looks()).toEqual(['zone', 'zone'])
})

test('who becomes old while nothing comes is shown so within the tick of it, and time is looked at while frames come', () => {
  tick(1, [{ slot: 0, bpm: 150, percent: 83, zone: 4 }, { slot: 1, bpm: 0, signal: SIGNAL.LOST_SENSOR }], FLAG_FULL)
  const [, lost] = looks()
  expect(lost).toBe('lost')
  // Half a second before the first would be old.
  silence = 1_000
  tick(2, [{ slot: 2, bpm: 120, percent: 70, zone: 3 }])
  silence = 1_550
  vi.advanceTimersByTime(500)
  expect(looks()[0]).toBe('stale')
  const aged = () => host.querySelectorAll('.tile')[1]!.textContent
  const before = aged()
  silence = 4_000
  for (let number = 3; number < 8; number++) {
    tick(number, [{ slot: 2, bpm: 120 + number, percent: 70, zone: 3 }], 0)
    vi.advanceTimersByTime(350)
  }
  expect(aged()).not.toBe(before)
})
