// Draws one tile on a canvas: its shell, which changes rarely, and its numbers. The same places and sizes as the DOM wall.

import type { Fitter } from './fit'
import { type Grid, LONG_HERO, SEAT_PAD, type TileLayout, tileLayout } from './grid'
import { CARD, DASH, type Ink, LOST, MUTED, OUTLINE, RAISED, TEXT, ZONES } from './palette'
import { type Icon, ICONS } from './shapes'
import type { Tile } from './tile-model'

type Context = CanvasRenderingContext2D

/** A tile's top left corner, CSS pixels. */
export interface Corner {
  x: number
  y: number
}

export class Painter {
  private grid: Grid = { cols: 1, rows: 1, width: 1, height: 1, gap: 0 }
  private shape: TileLayout = tileLayout(this.grid, 1)
  private readonly paths = new Map<Icon, Path2D>()
  private readonly forced = matchMedia('(forced-colors: active)')

  constructor(private readonly fitter: Fitter) {
    for (const icon of Object.keys(ICONS) as Icon[]) this.paths.set(icon, new Path2D(ICONS[icon]))
  }

  use(grid: Grid, shape: TileLayout): void {
    this.grid = grid
    this.shape = shape
  }

  private ink(tile: Tile): Ink {
    if (this.forced.matches) return { fill: 'Canvas', text: 'CanvasText' }
    if (tile.look === 'zone') return ZONES[tile.zone]!
    if (tile.look === 'lost') return { fill: LOST, text: TEXT }
    if (tile.look === 'stale') return { fill: CARD, text: MUTED }
    return { fill: tile.look === 'waiting' ? CARD : RAISED, text: TEXT }
  }

  clear(c: Context, { x, y }: Corner): void {
    const { width, height } = this.grid
    c.clearRect(x - 3, y - 3, width + 6, height + 6)
  }

  /** Fill, border, name, rank and the bar of the zone. */
  shell(c: Context, { x, y }: Corner, tile: Tile, marked: boolean): void {
    const { shape } = this
    const { width, height } = this.grid
    const ink = this.ink(tile)
    this.clear(c, { x, y })
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

  private border(c: Context, x: number, y: number, tile: Tile, marked: boolean): void {
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

  private bar(c: Context, x: number, y: number, tile: Tile, ink: Ink): void {
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

  /** Hero, seat, metrics and note. */
  numbers(c: Context, { x, y }: Corner, tile: Tile): void {
    const { shape, fitter } = this
    const { width, height } = this.grid
    const ink = this.ink(tile)
    c.clearRect(x, y, width, height)
    c.fillStyle = ink.text
    const left = x + shape.pad
    const inner = width - 2 * shape.pad
    const heroFont = fitter.font(shape.hero * (tile.hero.length > 3 ? LONG_HERO : 1), 800)
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
    const thin = fitter.font(shape.text, 600)
    const room = left + inner - from - 4
    const points = tile.unit === 'points' ? '' : tile.points
    const beside = points !== '' && shape.metricsY === undefined && room > fitter.width(points, thin) + shape.text * 0.8
    if (beside) this.side(c, left + inner, y + shape.noteY - shape.line, points, thin)
    const seated = tile.seat !== '' && room > fitter.width(tile.seat, thin) + shape.text * 2 * SEAT_PAD + 2 && !(beside && shape.tight)
    if (seated) this.seat(c, tile.seat, thin, left + inner, y + shape.heroY + 6, ink)
    if (shape.metricsY !== undefined) this.metrics(c, left, y + shape.metricsY, inner, tile)
    this.note(c, left, y + shape.noteY, inner, tile, ink)
  }

  private seat(c: Context, seat: string, font: string, right: number, top: number, ink: Ink): void {
    const size = this.shape.text
    const width = this.fitter.width(seat, font) + size * 2 * SEAT_PAD + 2
    c.strokeStyle = ink.text
    c.lineWidth = 1
    this.box(c, right - width + 0.5, top + 0.5, width - 1, size * 1.15, size * 0.3)
    c.stroke()
    c.font = font
    c.fillText(seat, right - width + size * SEAT_PAD + 1, top + size * 0.94)
  }

  /** A tile too low for a line of metrics has its points beside the hero. */
  private side(c: Context, right: number, top: number, points: string, font: string): void {
    const { text } = this.shape
    const width = this.fitter.width(points, font)
    c.font = font
    c.fillText(points, right - width, top + text * 0.95)
    this.icon(c, 'star', right - width - text * 0.8, top + text * 0.15, text * 0.75)
  }

  private metrics(c: Context, left: number, top: number, inner: number, tile: Tile): void {
    const { text, metrics } = this.shape
    const all: [Icon, string][] = [
      ['star', tile.unit === 'points' ? '' : tile.points],
      tile.age ? ['broken', tile.age] : ['heart', tile.unit === 'bpm' ? '' : tile.bpm],
      ['flame', tile.kcal],
    ]
    c.font = this.fitter.font(text, 600)
    const room = inner / metrics
    all.slice(0, metrics).forEach(([icon, value], index) => {
      if (!value) return
      const from = left + index * room
      this.icon(c, icon, from, top + text * 0.15, text * 0.8, icon === 'broken')
      c.fillText(value, from + text, top + text * 0.95)
    })
  }

  private note(c: Context, left: number, top: number, inner: number, tile: Tile, ink: Ink): void {
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
    }
    c.font = bold
    const baseline = top + text * 0.98
    const apart = this.shape.metricsY !== undefined && this.shape.metrics > 1
    if (tile.age && !apart) {
      c.textAlign = 'right'
      c.fillText(tile.age, left + inner, baseline)
      c.textAlign = 'left'
      room -= this.fitter.width(tile.age, bold) + 8
    }
    c.fillText(this.fitter.choose([tile.note, ...tile.shorter], room, bold), from, baseline)
  }

  private icon(c: Context, icon: Icon, x: number, y: number, size: number, line = false): void {
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

  private box(c: Context, x: number, y: number, width: number, height: number, radius: number): void {
    c.beginPath()
    c.roundRect(x, y, width, height, radius)
  }
}
