import { expect, test } from 'vitest'
import { gridFor, pagesFor, positionOf, tileLayout, scrollingGrid } from '../src/live/grid'

const [WIDTH, HEIGHT] = [1856, 852]

test.each([1, 2, 7, 12, 24, 40, 60, 61, 80])('%i tiles fit the screen, and their texts fit the tiles', (count) => {
  const grid = gridFor(count, WIDTH, HEIGHT, 1)
  expect(grid.cols * grid.rows).toBeGreaterThanOrEqual(count)
  const [x, y] = positionOf(count - 1, grid)
  expect(x + grid.width).toBeLessThanOrEqual(WIDTH)
  expect(y + grid.height).toBeLessThanOrEqual(HEIGHT)
  const shape = tileLayout(grid, 1)
  const lines = [shape.pad + shape.line, shape.heroY, shape.heroY + shape.hero, shape.metricsY ?? shape.noteY, shape.noteY, shape.noteY + shape.line, shape.barY]
  expect([...lines].sort((a, b) => a - b)).toEqual(lines)
  expect(shape.barY + shape.barHeight).toBeLessThanOrEqual(grid.height)
  expect(shape.text).toBeGreaterThanOrEqual(20)
  expect(shape.hero).toBeGreaterThanOrEqual(1.5 * shape.text)
})

test('24 tiles have numbers of at least 86 px', () => {
  expect(tileLayout(gridFor(24, WIDTH, HEIGHT, 1), 1).hero).toBeGreaterThanOrEqual(86)
})

test('pages are equal, and nobody is left out', () => {
  expect(pagesFor(0)).toEqual({ pages: 1, each: 1 })
  expect(pagesFor(80)).toEqual({ pages: 1, each: 80 })
  expect(pagesFor(81)).toEqual({ pages: 2, each: 41 })
  expect(pagesFor(200)).toEqual({ pages: 4, each: 50 })
})

test('a screen of twice the lines is the same picture', () => {
  const [small, large] = [gridFor(40, WIDTH, HEIGHT, 1), gridFor(40, 2 * WIDTH, 2 * HEIGHT, 2)]
  expect([large.cols, large.rows]).toEqual([small.cols, small.rows])
  expect(tileLayout(large, 2).hero / tileLayout(small, 1).hero).toBeCloseTo(2, 1)
})

test('tiles that scroll are at least as wide as asked for, and fill the row', () => {
  const grid = scrollingGrid(40, 1_000, 0.6, 160)
  expect([grid.cols, grid.rows, grid.width]).toEqual([6, 7, 160])
  expect(scrollingGrid(40, 320, 1).width).toBeGreaterThanOrEqual(143)
})
