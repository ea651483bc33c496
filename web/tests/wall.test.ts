// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ClassFeed } from '../src/live/feed'
import { Board } from '../src/live/ticks'
import { Wall } from '../src/live/wall'
import { en } from '../src/i18n/en'
import { FLAG_FULL } from '../src/proto/layout'
import { pack, type RowSpec } from './help/rows'

const FRAMES_MS = 300

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
  vi.advanceTimersByTime(FRAMES_MS)
  expect(looks()).toEqual(['lost', 'lost'])
  silence = 0
  tick(2, [{ slot: 1, bpm: 152, ...riding }])
  expect(looks()).toEqual(['zone', 'zone'])
})
