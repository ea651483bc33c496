// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from 'vitest'
import { Fitter } from '../src/live/fit'
import { gridFor, tileLayout } from '../src/live/grid'
import type { Tile } from '../src/live/tile-model'
import { DomWall } from '../src/live/wall-dom'

const TILE: Tile = {
  name: 'Ana K.', seat: '5', rank: '#3', look: 'zone', zone: 4, hero: '83', unit: 'percent',
  bpm: '150', kcal: '210', points: '42', note: 'Threshold', shorter: [], age: '', over: false, hand: false,
}

let host: HTMLElement
let wall: DomWall

beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null)
  host = document.createElement('div')
  document.body.replaceChildren(host)
  wall = new DomWall(host, new Fitter('sans-serif'), 'People')
})

function place(slots: number[]): void {
  const grid = gridFor(slots.length, 1800, 800, 1)
  wall.layout(grid, tileLayout(grid, 1), slots)
}

const element = (slot: number) => host.querySelector<HTMLElement>(`[data-slot="${slot}"]`)!

test('a tile says its zone by colour, digit, word and bar', () => {
  place([0])
  wall.draw(0, TILE)
  const tile = element(0)
  expect(tile.dataset.zone).toBe('4')
  expect(tile.querySelector('.ring')!.textContent).toBe('4')
  expect(tile.querySelector('.note')!.textContent).toBe('Threshold')
  expect(tile.querySelectorAll('.bar i').length).toBe(5)
  expect(tile.querySelector('.hero')!.textContent).toBe('83%')
})

test('only what changed is written', async () => {
  place([0, 1])
  wall.draw(0, TILE)
  wall.draw(1, TILE)
  const changes: MutationRecord[] = []
  const observer = new MutationObserver((records) => changes.push(...records))
  observer.observe(host, { subtree: true, characterData: true, childList: true, attributes: true })
  wall.draw(0, { ...TILE, bpm: '151' })
  wall.draw(1, TILE)
  changes.push(...observer.takeRecords())
  expect(changes.map((change) => [change.type, change.target.textContent])).toEqual([['characterData', '151']])
})

test('tiles are kept as places change, taken away as people go, and read in the order in which they stand', () => {
  place([0, 1, 2])
  const ana = element(1)
  place([2, 1])
  expect(element(1)).toBe(ana)
  expect(element(0)).toBeNull()
  expect([...host.querySelectorAll<HTMLElement>('.tile')].map((tile) => tile.dataset.slot)).toEqual(['2', '1'])
})

test('a lost sensor shows the reason and the age, and hides the numbers that are not known', () => {
  place([0])
  wall.draw(0, TILE)
  wall.draw(0, { ...TILE, look: 'lost', hero: '––', unit: 'none', zone: -1, bpm: '', note: 'Sensor lost', age: '0:14' })
  const tile = element(0)
  const said = (part: string) => tile.querySelector<HTMLElement>(part)!
  expect([said('.lost').textContent, said('.lost').hidden, said('.note').textContent]).toEqual(['0:14', false, 'Sensor lost'])
  expect(said('.value').textContent).toBe('––')
  expect(tile.querySelector<HTMLElement>('.bpm')!.hidden).toBe(true)
  expect(tile.querySelector<HTMLElement>('.ring')!.hidden).toBe(true)
})
