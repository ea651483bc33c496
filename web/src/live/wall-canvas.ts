// Beyond 60 people: one picture in two layers. The shell (fill, name, rank, bar) changes rarely; the numbers are drawn over it.
// Only tiles that changed are drawn again. For keys and screen readers there is a frame that moves over the picture, and a list.

import type { Surface } from './wall'
import type { Fitter } from './fit'
import { type Grid, positionOf, tileLayout, type TileLayout } from './grid'
import { CARD, DASH, LOST, MUTED, OUTLINE, RAISED, TEXT, ZONES, type Ink } from './palette'
import { ICONS, type Icon } from './shapes'
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
  private readonly paths = new Map<Icon, Path2D>()
  private readonly places = new Map<number, Place>()
  private slots: readonly number[] = []
  private grid: Grid = { cols: 1, rows: 1, width: 1, height: 1, gap: 0 }
  private shape: TileLayout = tileLayout(this.grid, 1)
  private scale = 1
  private at = 0
  private marked?: number
  private readonly forced = matchMedia('(forced-colors: active)')
  private readonly listTimer = setInterval(() => this.tellList(), LIST_EVERY_MS)

  constructor(
    host: HTMLElement,
    private readonly fitter: Fitter,
    label: string,
  ) {
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
    for (const icon of Object.keys(ICONS) as Icon[]) this.paths.set(icon, new Path2D(ICONS[icon]))
  }

  layout(grid: Grid, slots: readonly number[], unit: number): void {
    this.grid = grid
    this.slots = slots
    this.shape = tileLayout(grid, unit)
    this.scale = devicePixelRatio || 1
    const [width, height] = [grid.cols * (grid.width + grid.gap) - grid.gap, grid.rows * (grid.height + grid.gap) - grid.gap]
    for (const canvas of [this.shell, this.numbers]) {
      canvas.width = Math.round(width * this.scale)
      canvas.height = Math.round(height * this.scale)
      canvas.style.width = `${width}px`
      canvas.style.height = `${height}px`
    }
    // Where tiles stand, for whoever looks at the picture from outside.
    Object.assign(this.numbers.dataset, { cols: grid.cols, width: grid.width, height: grid.height, gap: grid.gap, tiles: slots.length })
    for (const context of [this.below, this.above]) {
      context.setTransform(this.scale, 0, 0, this.scale, 0, 0)
      context.textBaseline = 'alphabetic'
    }
    this.root.style.height = `${height}px`
    const kept = new Map(this.places)
    this.places.clear()
    slots.forEach((slot, index) => {
      const [x, y] = positionOf(index, grid)
      this.places.set(slot, { x, y, tile: kept.get(slot)?.tile })
    })
    this.at = Math.min(this.at, Math.max(slots.length - 1, 0))
    this.placeCursor()
    if (this.list.childElementCount === 0) queueMicrotask(() => this.tellList())
  }

  draw(slot: number, tile: Tile): void {
    const place = this.places.get(slot)
    if (!place) return
    place.tile = tile
    const ink = this.ink(tile)
    const shell = [tile.name, tile.rank, tile.look, tile.zone, tile.over, tile.hand, slot === this.marked].join('|')
    if (shell !== place.shell) {
      place.shell = shell
      this.drawShell(place, tile, ink, slot === this.marked)
    }
    this.drawNumbers(place, tile, ink)
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

  private ink(tile: Tile): Ink {
    if (this.forced.matches) return { fill: 'Canvas', text: 'CanvasText' }
    if (tile.look === 'zone') return ZONES[tile.zone]!
    if (tile.look === 'lost') return { fill: LOST, text: TEXT }
    if (tile.look === 'stale') return { fill: CARD, text: MUTED }
    return { fill: tile.look === 'waiting' ? CARD : RAISED, text: TEXT }
  }

  private drawShell({ x, y }: Place, tile: Tile, ink: Ink, marked: boolean): void {
    const { below: c, shape } = this
    const { width, height } = this.grid
    c.clearRect(x - 3, y - 3, width + 6, height + 6)
    c.fillStyle = ink.fill
    this.box(c, x, y, width, height, shape.radius)
    c.fill()
    this.border(c, x, y, tile, marked)
    c.fillStyle = ink.text
    const bold = this.fitter.font(shape.text, 700)
    const rankWidth = this.fitter.width(tile.rank, bold)
    const right = x + width - shape.pad
    c.font = bold
    c.textAlign = 'right'
    const baseline = y + shape.pad + shape.text * 0.92
    c.fillText(tile.rank, right, baseline)
    if (tile.hand) this.icon(c, 'hand', right - rankWidth - shape.text * 1.1, y + shape.pad, shape.text)
    c.textAlign = 'left'
    const room = width - 2 * shape.pad - rankWidth - 8 - (tile.hand ? shape.line : 0)
    c.fillText(this.fitter.fit(tile.name, room, bold), x + shape.pad, baseline)
    this.bar(c, x, y, tile, ink)
  }

  private border(c: CanvasRenderingContext2D, x: number, y: number, tile: Tile, marked: boolean): void {
    const { width, height } = this.grid
    const forced = this.forced.matches
    const zoneLine = tile.zone > 0 ? ZONES[tile.zone]!.fill : OUTLINE
    const thick = tile.over || marked ? 6 : tile.look === 'stale' ? 4 : tile.look === 'lost' ? 3 : tile.look === 'zone' && tile.zone > 0 && !forced ? 0 : 2
    if (thick === 0) return
    c.save()
    c.lineWidth = thick
    c.strokeStyle = forced ? 'CanvasText' : tile.over || marked ? '#FFFFFF' : tile.look === 'stale' ? zoneLine : tile.look === 'lost' ? DASH : OUTLINE
    if (tile.look === 'lost') c.setLineDash([8, 6])
    this.box(c, x + thick / 2, y + thick / 2, width - thick, height - thick, Math.max(this.shape.radius - thick / 2, 2))
    c.stroke()
    c.restore()
  }

  private bar(c: CanvasRenderingContext2D, x: number, y: number, tile: Tile, ink: Ink): void {
    if (tile.zone < 0) return
    const { pad, barY, barHeight } = this.shape
    const inner = this.grid.width - 2 * pad
    const gap = 3
    const part = (inner - 4 * gap) / 5
    c.fillStyle = c.strokeStyle = ink.text
    c.lineWidth = 1.5
    for (let zone = 1; zone <= 5; zone++) {
      const left = x + pad + (zone - 1) * (part + gap)
      if (zone <= tile.zone) c.fillRect(left, y + barY, part, barHeight)
      else c.strokeRect(left + 0.75, y + barY + 0.75, part - 1.5, barHeight - 1.5)
    }
  }

  private drawNumbers({ x, y }: Place, tile: Tile, ink: Ink): void {
    const { above: c, shape, fitter } = this
    const { width, height } = this.grid
    c.clearRect(x, y, width, height)
    c.fillStyle = ink.text
    const left = x + shape.pad
    const inner = width - 2 * shape.pad
    const heroFont = fitter.font(shape.hero, 800)
    const baseline = y + shape.heroY + shape.hero * 0.86
    let from = left
    if (tile.unit === 'bpm' || tile.unit === 'points') {
      this.icon(c, tile.unit === 'bpm' ? 'heart' : 'star', left, baseline - shape.hero * 0.56, shape.hero * 0.42)
      from += shape.hero * 0.5
    }
    c.font = heroFont
    c.fillText(tile.hero, from, baseline)
    from += fitter.width(tile.hero, heroFont)
    if (tile.unit === 'percent') {
      const unitFont = fitter.font(shape.hero * 0.46, 800)
      c.font = unitFont
      c.fillText('%', from, baseline)
      from += fitter.width('%', unitFont)
    }
    const seatFont = fitter.font(shape.text * 0.8, 600)
    const seatRoom = left + inner - from - 6
    if (tile.seat && seatRoom > shape.text) {
      c.font = seatFont
      c.textAlign = 'right'
      c.fillText(fitter.fit(tile.seat, seatRoom - shape.text * 0.6, seatFont), left + inner - shape.text * 0.3, y + shape.heroY + shape.text)
      c.textAlign = 'left'
    }
    if (shape.metricsY !== undefined) this.metrics(c, left, y + shape.metricsY, inner, tile)
    this.note(c, left, y + shape.noteY, inner, tile, ink)
  }

  private metrics(c: CanvasRenderingContext2D, left: number, top: number, inner: number, tile: Tile): void {
    const { text, metrics } = this.shape
    const all: [Icon, string][] = [
      ['star', tile.unit === 'points' ? '' : tile.points],
      ['heart', tile.unit === 'bpm' ? '' : tile.bpm],
      ['flame', tile.kcal],
    ]
    c.font = this.fitter.font(text, 600)
    const room = inner / metrics
    all.slice(0, metrics).forEach(([icon, value], index) => {
      if (!value) return
      const from = left + index * room
      this.icon(c, icon, from, top + text * 0.15, text * 0.8)
      c.fillText(value, from + text, top + text * 0.95)
    })
  }

  private note(c: CanvasRenderingContext2D, left: number, top: number, inner: number, tile: Tile, ink: Ink): void {
    const { text, line } = this.shape
    const bold = this.fitter.font(text, 700)
    let [from, room] = [left, inner]
    c.font = bold
    if (tile.zone >= 0) {
      c.beginPath()
      c.arc(from + line / 2, top + line / 2, line / 2 - 1, 0, 2 * Math.PI)
      c.strokeStyle = ink.text
      c.lineWidth = 2
      c.stroke()
      c.font = this.fitter.font(text * 0.78, 800)
      c.textAlign = 'center'
      c.fillText(String(tile.zone), from + line / 2, top + line / 2 + text * 0.28)
      c.textAlign = 'left'
      from += line + 6
      room -= line + 6
    } else if (tile.look === 'lost') {
      this.icon(c, 'broken', from, top + line * 0.1, text * 0.9, true)
      from += line + 2
      room -= line + 2
    }
    c.font = bold
    const baseline = top + text * 0.98
    if (tile.age) {
      c.textAlign = 'right'
      c.fillText(tile.age, left + inner, baseline)
      c.textAlign = 'left'
      room -= this.fitter.width(tile.age, bold) + 8
    }
    c.fillText(this.fitter.fit(tile.note, room, bold), from, baseline)
  }

  private icon(c: CanvasRenderingContext2D, icon: Icon, x: number, y: number, size: number, line = false): void {
    c.save()
    c.translate(x, y)
    c.scale(size / 24, size / 24)
    if (line) {
      c.lineWidth = 2.4
      c.strokeStyle = c.fillStyle
      c.stroke(this.paths.get(icon)!)
    } else {
      c.fill(this.paths.get(icon)!)
    }
    c.restore()
  }

  private box(c: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, radius: number): void {
    c.beginPath()
    c.roundRect(x, y, width, height, radius)
  }

  private move(event: KeyboardEvent): void {
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
