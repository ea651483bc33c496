// How tiles share the screen: columns and rows for a number of people, and where things stand inside a tile.
// Both walls use these figures, so that a class that grows past 60 looks the same.

export interface Grid {
  cols: number
  rows: number
  /** Of a tile, CSS pixels. */
  width: number
  height: number
  gap: number
}

/** People on one page; more are shown in pages of at most `PAGE_TILES` in turn. */
export const WHOLE_MAX = 80
export const PAGE_TILES = 60
/** A tile is best this much wider than high. */
const SHAPE = 1.3

/** How many pages, and how many tiles each holds: pages as equal as can be. */
export function pagesFor(count: number): { pages: number; each: number } {
  if (count <= WHOLE_MAX) return { pages: 1, each: Math.max(count, 1) }
  const pages = Math.ceil(count / PAGE_TILES)
  return { pages, each: Math.ceil(count / pages) }
}

export function gridFor(count: number, width: number, height: number, unit: number): Grid {
  const gap = Math.max(4, Math.round((count > 30 ? 10 : 14) * unit))
  let best: Grid | undefined
  for (let cols = 1; cols <= Math.max(count, 1); cols++) {
    const rows = Math.ceil(Math.max(count, 1) / cols)
    const grid: Grid = {
      cols,
      rows,
      width: Math.min(Math.floor((width - gap * (cols - 1)) / cols), Math.round(620 * unit)),
      height: Math.min(Math.floor((height - gap * (rows - 1)) / rows), Math.round(520 * unit)),
      gap,
    }
    if (grid.width < 1 || grid.height < 1) continue
    if (!best || worth(grid) > worth(best)) best = grid
  }
  return best ?? { cols: 1, rows: 1, width: Math.max(width, 1), height: Math.max(height, 1), gap }
}

function worth(grid: Grid): number {
  return Math.min(grid.width / SHAPE, grid.height)
}

/** Width and height of a tile on a narrow screen, CSS pixels. */
const LEGIBLE = { width: 143, height: 132 }

/** A narrow screen scrolls: tiles of a fixed, legible size, or as wide as is asked for. */
export function scrollingGrid(count: number, width: number, unit: number, wanted?: number): Grid {
  const gap = 8
  const tile = wanted ?? Math.max(168 * unit, LEGIBLE.width)
  const cols = Math.max(1, Math.floor((width + gap) / (tile + gap)))
  const height = wanted === undefined ? LEGIBLE.height : Math.round(wanted / SHAPE)
  return { cols, rows: Math.ceil(count / cols), width: Math.floor((width - gap * (cols - 1)) / cols), height, gap }
}

export function positionOf(index: number, grid: Grid): [x: number, y: number] {
  return [(index % grid.cols) * (grid.width + grid.gap), Math.floor(index / grid.cols) * (grid.height + grid.gap)]
}

/** Places and sizes inside a tile, CSS pixels from its top left corner; `y` is the top of a line. */
export interface TileLayout {
  pad: number
  radius: number
  /** Of names, notes and metrics. */
  text: number
  line: number
  heroY: number
  hero: number
  /** Top of the line of bpm, kcal and points; none where the tile is too low. */
  metricsY?: number
  /** How many of the metrics fit: points, then bpm, then kcal. */
  metrics: number
  /** No room for both seat and points beside the hero. */
  tight: boolean
  noteY: number
  barY: number
  barHeight: number
}

/** Room on each side of a seat in its frame, in widths of its letters' height. A seat that does not fit whole is not shown. */
export const SEAT_PAD = 0.18
/** A hero of more digits is drawn so much smaller. */
export const LONG_HERO = 0.78
/** A hero of three digits and its unit is this many times as wide as it is high. */
const HERO_WIDTH = 2.5

export function tileLayout(grid: Grid, unit: number): TileLayout {
  const { width, height } = grid
  const pad = Math.round(clamp(Math.min(width * 0.055, height * 0.065), 7 * unit, 18 * unit))
  const inner = width - 2 * pad
  const text = Math.max(Math.round(clamp(height * 0.105, 20 * unit, 32 * unit)), 11)
  const line = Math.round(text * 1.17)
  const barHeight = Math.max(4, Math.round(height * 0.042))
  const barY = height - pad - barHeight
  const noteY = barY - Math.round(4 * unit) - line
  const top = pad + line
  const free = noteY - top
  // The hero comes first: metrics stand only where it stays twice as high as they are.
  const withMetrics = free - line >= text * 2
  const metricsY = withMetrics ? noteY - line : undefined
  const heroSpace = (metricsY ?? noteY) - top
  const hero = Math.floor(Math.min(heroSpace * 0.98, inner / HERO_WIDTH))
  const metrics = inner >= text * 9.5 ? 3 : inner >= text * 6 ? 2 : 1
  const heroY = top + Math.floor((heroSpace - hero) / 2)
  const radius = Math.round(clamp(height * 0.09, 8 * unit, 20 * unit))
  const tight = heroSpace < line * 2.3
  return { pad, radius, text, line, heroY, hero, metricsY, metrics, tight, noteY, barY, barHeight }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
