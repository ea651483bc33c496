// Up to 60 people: a tile is a few absolutely placed elements, made once. Text is written only where it changed.

import type { Surface } from './wall'
import { type Grid, LONG_HERO, positionOf, SEAT_PAD, type TileLayout } from './grid'
import type { Fitter } from './fit'
import { ICONS, type Icon } from './shapes'
import type { Tile } from './tile-model'

const SVG = 'http://www.w3.org/2000/svg'

/** A text node that remembers what it says; its element is hidden while that is nothing. */
class Words {
  private said = ''
  private readonly node = document.createTextNode('')
  constructor(private readonly element: HTMLElement) {
    element.append(this.node)
    element.hidden = true
  }
  say(text: string): void {
    if (text === this.said) return
    if ((text === '') !== (this.said === '')) this.element.hidden = text === ''
    this.said = text
    this.node.data = text
  }
}

interface TileNodes {
  root: HTMLElement
  name: Words
  rank: Words
  seat: Words
  /** Points, where there is no line of metrics. */
  side: Words
  hero: Words
  unit: Words
  points: Words
  bpm: Words
  lost: Words
  kcal: Words
  ring: Words
  note: Words
  age: Words
}

export class DomWall implements Surface {
  private readonly tiles = new Map<number, TileNodes>()
  private readonly list = document.createElement('div')
  private shape?: TileLayout
  private sizes = ''
  private inner = 0
  private cols = 1

  constructor(
    host: HTMLElement,
    private readonly fitter: Fitter,
    label: string,
    private readonly choose?: (slot: number) => void,
  ) {
    this.list.className = 'tiles'
    this.list.setAttribute('role', 'list')
    this.list.setAttribute('aria-label', label)
    host.replaceChildren(this.list)
    if (!choose) return
    this.list.addEventListener('click', (event) => this.pick(event.target as Element))
    this.list.addEventListener('keydown', (event) => this.key(event))
  }

  layout(grid: Grid, shape: TileLayout, slots: readonly number[]): readonly number[] {
    // People who only change places keep their tiles as they are.
    const sizes = JSON.stringify([grid, shape])
    const blank = sizes === this.sizes ? slots.filter((slot) => !this.tiles.has(slot)) : slots
    if (sizes !== this.sizes) this.size(grid, shape)
    this.sizes = sizes
    this.shape = shape
    this.inner = grid.width - 2 * shape.pad
    this.cols = grid.cols
    for (const [slot, tile] of this.tiles) {
      if (slots.includes(slot)) continue
      tile.root.remove()
      this.tiles.delete(slot)
    }
    slots.forEach((slot, index) => {
      const tile = this.tiles.get(slot) ?? this.add(slot)
      const [x, y] = positionOf(index, grid)
      tile.root.style.transform = `translate(${x}px, ${y}px)`
      // Read in the order in which they are seen.
      if (this.list.children[index] !== tile.root) this.list.insertBefore(tile.root, this.list.children[index] ?? null)
    })
    const first = this.list.children[0] as HTMLElement | undefined
    if (this.choose && first && !this.list.querySelector('[tabindex="0"]')) first.tabIndex = 0
    return blank
  }

  draw(slot: number, tile: Tile): void {
    const nodes = this.tiles.get(slot)
    if (!nodes || !this.shape) return
    const { text, line } = this.shape
    const bold = this.fitter.font(text, 700)
    const put = (key: string, value: string) => nodes.root.dataset[key] !== value && (nodes.root.dataset[key] = value)
    put('look', tile.look)
    put('zone', String(tile.zone))
    put('unit', tile.unit)
    put('over', String(tile.over))
    put('hand', String(tile.hand))
    put('long', String(tile.hero.length > 3))
    nodes.rank.say(tile.rank)
    const rankRoom = this.fitter.width(tile.rank, bold) + (tile.hand ? line : 0) + 8
    nodes.name.say(this.fitter.fit(tile.name, this.inner - rankRoom, bold))
    const heroRoom = this.inner - this.heroWidth(tile) - 4
    const thin = this.fitter.font(text, 600)
    // A tile too low for a line of metrics has its points beside the hero, in the seat's place where there is none for both.
    const points = tile.unit === 'points' ? '' : tile.points
    const beside = points !== '' && this.shape.metricsY === undefined && heroRoom > this.fitter.width(points, thin) + text * 0.8
    nodes.side.say(beside ? points : '')
    const seated = heroRoom > this.fitter.width(tile.seat, thin) + text * 2 * SEAT_PAD + 2 && !(beside && this.shape.tight)
    nodes.seat.say(seated ? tile.seat : '')
    nodes.hero.say(tile.hero)
    nodes.unit.say(tile.unit === 'percent' ? '%' : '')
    nodes.points.say(points)
    nodes.bpm.say(tile.unit === 'bpm' ? '' : tile.bpm)
    nodes.kcal.say(tile.kcal)
    nodes.ring.say(tile.zone >= 0 ? String(tile.zone) : '')
    // How long somebody is lost stands where the heart rate stood, or beside the reason where there is no room for both.
    const apart = this.shape.metricsY !== undefined && this.shape.metrics > 1
    nodes.lost.say(apart ? tile.age : '')
    nodes.age.say(apart ? '' : tile.age)
    const ageRoom = tile.age && !apart ? this.fitter.width(tile.age, bold) + 8 : 0
    const ringRoom = tile.zone >= 0 ? line + 6 : 0
    nodes.note.say(this.fitter.choose([tile.note, ...tile.shorter], this.inner - ringRoom - ageRoom, bold))
  }

  mark(slot: number | undefined): void {
    for (const [each, tile] of this.tiles) tile.root.classList.toggle('found', each === slot)
  }

  destroy(): void {
    this.list.remove()
  }

  private pick(target: Element): void {
    const tile = target.closest<HTMLElement>('.tile')
    if (tile) this.choose!(Number(tile.dataset.slot))
  }

  /** Arrows go from tile to tile as they stand on the screen. */
  private key(event: KeyboardEvent): void {
    const tiles = [...this.list.children] as HTMLElement[]
    const at = tiles.indexOf(event.target as HTMLElement)
    if (at < 0) return
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.cols, ArrowDown: this.cols }
    const step = steps[event.key]
    if (event.key === 'Enter') this.pick(event.target as Element)
    else if (step === undefined) return
    else this.focus(tiles[at + step])
    event.preventDefault()
  }

  /** One of them is reached by Tab, the rest by arrows. */
  private focus(tile: HTMLElement | undefined): void {
    if (!tile) return
    for (const each of this.list.children) (each as HTMLElement).tabIndex = each === tile ? 0 : -1
    tile.focus()
  }

  private heroWidth(tile: Tile): number {
    const size = this.shape!.hero
    const unit = tile.unit === 'percent' ? this.fitter.width('%', this.fitter.font(size * 0.46, 800)) : tile.unit === 'none' ? 0 : size * 0.5
    const long = tile.hero.length > 3 ? LONG_HERO : 1
    return this.fitter.width(tile.hero, this.fitter.font(size * long, 800)) + unit
  }

  private size(grid: Grid, shape: TileLayout): void {
    const { style } = this.list
    const px = (name: string, value: number) => style.setProperty(`--${name}`, `${value}px`)
    px('tile-width', grid.width)
    px('tile-height', grid.height)
    px('pad', shape.pad)
    px('radius', shape.radius)
    px('text', shape.text)
    px('line', shape.line)
    px('hero-y', shape.heroY)
    px('hero', shape.hero)
    px('metrics-y', shape.metricsY ?? 0)
    px('note-y', shape.noteY)
    px('bar-y', shape.barY)
    px('bar', shape.barHeight)
    this.list.dataset.metrics = String(shape.metricsY === undefined ? 0 : shape.metrics)
    style.height = `${grid.rows * (grid.height + grid.gap) - grid.gap}px`
  }

  private add(slot: number): TileNodes {
    const root = document.createElement('div')
    root.className = 'tile'
    root.setAttribute('role', 'listitem')
    root.dataset.slot = String(slot)
    if (this.choose) root.tabIndex = -1
    const part = (name: string, parent: HTMLElement = root, icon?: Icon): Words => {
      const element = document.createElement('span')
      element.className = name
      if (icon) element.append(picture(icon))
      parent.append(element)
      return new Words(element)
    }
    const group = (name: string): HTMLElement => {
      const element = document.createElement('span')
      element.className = name
      root.append(element)
      return element
    }
    const name = part('name')
    const place = group('place')
    place.append(picture('hand'))
    const rank = part('rank', place)
    const seat = part('seat')
    const side = part('side', root, 'star')
    const heroBox = group('hero')
    heroBox.append(picture('heart'), picture('star'))
    const hero = part('value', heroBox)
    const unit = part('unit', heroBox)
    const metrics = group('metrics')
    const points = part('points', metrics, 'star')
    const bpm = part('bpm', metrics, 'heart')
    const lost = part('lost', metrics, 'broken')
    const kcal = part('kcal', metrics, 'flame')
    const low = group('low')
    const ring = part('ring', low)
    const note = part('note', low)
    const age = part('age', low)
    const bar = group('bar')
    bar.setAttribute('aria-hidden', 'true')
    for (let zone = 1; zone <= 5; zone++) bar.append(document.createElement('i'))
    const nodes = { root, name, rank, seat, side, hero, unit, points, bpm, lost, kcal, ring, note, age }
    this.tiles.set(slot, nodes)
    return nodes
  }
}

function picture(icon: Icon): SVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('class', `icon ${icon}`)
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', ICONS[icon])
  svg.append(path)
  return svg
}
