// Beyond 60 people: one picture in two layers. The shell (fill, name, rank, bar) changes rarely; the numbers are drawn over it.
// Only tiles that changed are drawn again. For keys and screen readers there is a frame that moves over the picture, and a list.

import type { Surface } from './wall'
import type { Fitter } from './fit'
import { type Grid, positionOf, type TileLayout } from './grid'
import { Painter } from './paint'
import type { Tile } from './tile-model'

const LIST_EVERY_MS = 5_000

interface Place {
  x: number
  y: number
  /** What the shell was drawn from. */
  shell?: string
  tile?: Tile
}

export class CanvasWall implements Surface {
  private readonly root = document.createElement('div')
  private readonly shell = document.createElement('canvas')
  private readonly numbers = document.createElement('canvas')
  private readonly cursor = document.createElement('div')
  private readonly option = document.createElement('div')
  private readonly list = document.createElement('ul')
  private readonly below: CanvasRenderingContext2D
  private readonly above: CanvasRenderingContext2D
  private readonly painter: Painter
  private readonly places = new Map<number, Place>()
  private slots: readonly number[] = []
  private grid: Grid = { cols: 1, rows: 1, width: 1, height: 1, gap: 0 }
  private sizes = ''
  private at = 0
  private marked?: number
  private readonly listTimer = setInterval(() => this.tellList(), LIST_EVERY_MS)

  constructor(
    host: HTMLElement,
    fitter: Fitter,
    label: string,
    private readonly choose?: (slot: number) => void,
  ) {
    this.painter = new Painter(fitter)
    this.root.className = 'picture'
    this.below = this.shell.getContext('2d')!
    this.above = this.numbers.getContext('2d')!
    this.shell.setAttribute('aria-hidden', 'true')
    this.numbers.setAttribute('aria-hidden', 'true')
    this.numbers.className = 'numbers'
    this.list.className = 'sr-only'
    this.list.setAttribute('aria-label', label)
    this.cursor.className = 'cursor'
    this.cursor.tabIndex = 0
    this.cursor.setAttribute('role', 'listbox')
    this.cursor.setAttribute('aria-label', label)
    this.option.setAttribute('role', 'option')
    this.option.setAttribute('aria-selected', 'true')
    this.option.id = 'wall-option'
    this.cursor.append(this.option)
    this.cursor.setAttribute('aria-activedescendant', this.option.id)
    this.cursor.addEventListener('keydown', (event) => this.move(event))
    this.root.append(this.shell, this.numbers, this.cursor, this.list)
    host.replaceChildren(this.root)
    if (choose) this.root.addEventListener('click', (event) => this.pick(event))
  }

  layout(grid: Grid, shape: TileLayout, slots: readonly number[]): readonly number[] {
    const before = this.slots
    this.slots = slots
    const anew = this.size(grid, shape)
    // Where tiles stand, for whoever looks at the picture from outside.
    Object.assign(this.numbers.dataset, { cols: grid.cols, width: grid.width, height: grid.height, gap: grid.gap, tiles: slots.length, slots: slots.join(' ') })
    const kept = new Map(this.places)
    this.places.clear()
    const blank = slots.filter((slot, index) => {
      const place = kept.get(slot)
      const stays = !anew && before[index] === slot && place !== undefined
      const [x, y] = positionOf(index, grid)
      this.places.set(slot, stays ? place : { x, y, tile: place?.tile })
      return !stays
    })
    if (!anew) for (let index = slots.length; index < before.length; index++) this.clear(index)
    this.at = Math.min(this.at, Math.max(slots.length - 1, 0))
    this.placeCursor()
    if (this.list.childElementCount === 0) queueMicrotask(() => this.tellList())
    return blank
  }

  /** Whether the picture is another from now on, and empty. */
  private size(grid: Grid, shape: TileLayout): boolean {
    const scale = devicePixelRatio || 1
    const sizes = JSON.stringify([grid, shape, scale])
    if (sizes === this.sizes) return false
    this.sizes = sizes
    this.grid = grid
    this.painter.use(grid, shape)
    const [width, height] = [grid.cols * (grid.width + grid.gap) - grid.gap, grid.rows * (grid.height + grid.gap) - grid.gap]
    for (const context of [this.below, this.above]) {
      const { canvas } = context
      canvas.width = Math.round(width * scale)
      canvas.height = Math.round(height * scale)
      canvas.style.width = `${width}px`
      canvas.style.height = `${height}px`
      context.setTransform(scale, 0, 0, scale, 0, 0)
      context.textBaseline = 'alphabetic'
    }
    this.root.style.height = `${height}px`
    return true
  }

  private clear(index: number): void {
    const [x, y] = positionOf(index, this.grid)
    for (const context of [this.below, this.above]) this.painter.clear(context, { x, y })
  }

  draw(slot: number, tile: Tile): void {
    const place = this.places.get(slot)
    if (!place) return
    place.tile = tile
    const shell = [tile.name, tile.rank, tile.look, tile.zone, tile.over, tile.hand, slot === this.marked].join('|')
    if (shell !== place.shell) {
      place.shell = shell
      this.painter.shell(this.below, place, tile, slot === this.marked)
    }
    this.painter.numbers(this.above, place, tile)
    if (this.slots[this.at] === slot) this.option.setAttribute('aria-label', sentence(tile))
  }

  mark(slot: number | undefined): void {
    const before = this.marked
    this.marked = slot
    for (const each of [before, slot]) {
      const tile = each === undefined ? undefined : this.places.get(each)?.tile
      if (tile) this.draw(each!, tile)
    }
    const index = slot === undefined ? -1 : this.slots.indexOf(slot)
    if (index >= 0) {
      this.at = index
      this.placeCursor()
    }
  }

  destroy(): void {
    clearInterval(this.listTimer)
    this.root.remove()
  }

  private pick(event: MouseEvent): void {
    const { left, top } = this.root.getBoundingClientRect()
    const [x, y] = [event.clientX - left, event.clientY - top]
    const inside = ([, place]: [number, Place]) => x >= place.x && y >= place.y && x < place.x + this.grid.width && y < place.y + this.grid.height
    const found = [...this.places].find(inside)
    if (found) this.choose!(found[0])
  }

  private move(event: KeyboardEvent): void {
    const chosen = event.key === 'Enter' ? this.slots[this.at] : undefined
    if (chosen !== undefined) return this.choose?.(chosen)
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.grid.cols, ArrowDown: this.grid.cols }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    event.stopPropagation()
    const next = this.at + step
    if (next < 0 || next >= this.slots.length) return
    this.at = next
    this.placeCursor()
  }

  private placeCursor(): void {
    const [x, y] = positionOf(this.at, this.grid)
    this.cursor.style.transform = `translate(${x}px, ${y}px)`
    this.cursor.style.width = `${this.grid.width}px`
    this.cursor.style.height = `${this.grid.height}px`
    const slot = this.slots[this.at]
    const tile = slot === undefined ? undefined : this.places.get(slot)?.tile
    this.option.setAttribute('aria-label', tile ? sentence(tile) : '')
  }

  /** The list's twin of the picture, for who hears the wall instead of seeing it. */
  private tellList(): void {
    const lines = this.slots.map((slot) => this.places.get(slot)?.tile)
    while (this.list.childElementCount > lines.length) this.list.lastElementChild!.remove()
    lines.forEach((tile, index) => {
      const item = this.list.children[index] ?? this.list.appendChild(document.createElement('li'))
      const words = tile ? sentence(tile) : ''
      if (item.textContent !== words) item.textContent = words
      ;(item as HTMLElement).dataset.slot = String(this.slots[index])
    })
  }
}

function sentence(tile: Tile): string {
  const hero = tile.unit === 'percent' ? `${tile.hero} %` : tile.unit === 'points' ? `★ ${tile.hero}` : tile.hero
  return [tile.name, tile.seat, tile.rank, hero, tile.note, tile.age].filter(Boolean).join(', ')
}
