// The wall as a whole: who is on it, in what order and on which page, and which tiles have to be drawn again.
// It draws in animation frames, only what changed, and asks either surface alike.

import { SIGNAL, LIMITS } from '../proto/layout'
import type { ClassFeed } from './feed'
import { Fitter } from './fit'
import { type Grid, gridFor, pagesFor, scrollingGrid, type TileLayout, tileLayout } from './grid'
import { ordered, type Sort } from './order'
import { signalOf, zoneOf } from './ticks'
import { ageOf, tileOf, type Tile, type TileWords } from './tile-model'
import type { CanvasWall } from './wall-canvas'
import { DomWall } from './wall-dom'

/** What draws tiles. */
export interface Surface {
  /** These people stand in this order. Returns who is to be drawn. */
  layout(grid: Grid, shape: TileLayout, slots: readonly number[]): readonly number[]
  draw(slot: number, tile: Tile): void
  /** Points one person out. */
  mark(slot: number | undefined): void
  destroy(): void
}

export interface WallView {
  page: number
  pages: number
  people: number
  frozen: boolean
  /** How many of points, bpm and kcal a tile has room for beside its hero. */
  metrics: number
}

const DOM_MAX = 60
const REORDER_MS = 5_000
/** Time is looked at so often; in a class that runs faster, so often; and never more often than that. */
const LOOK_MS = 1_000
const LOOK_FAST_MS = 250
const LOOK_MS_MIN = 50
/** A slow processor paints a wall over several frames, so that nothing else waits for it. */
const SLICE_MS = 6
const PAGE_MS = 12_000
const FOUND_MS = 10_000
const FAMILY = '"Golos Text", system-ui, sans-serif'

export interface WallOptions {
  words: TileWords
  locale: string
  label: string
  /** A screen so narrow that its wall scrolls. */
  narrow(): boolean
  /** How wide its tiles are then, CSS pixels; as is legible where it does not say. */
  tile?(): number | undefined
  /** Somebody was chosen: by a click, or by Enter on the tile with the focus. */
  choose?(slot: number): void
  /** Pages turn only by hand. */
  still?: boolean
  /** CSS pixels that one unit of a 1080-line screen has here. */
  unit(): number
  view(view: WallView): void
}

export class Wall {
  private surface?: Surface
  /** The picture's code, which only a large class needs; where it cannot be had, elements do. */
  private picture?: typeof CanvasWall | typeof DomWall
  private loading?: Promise<void>
  private readonly fitter = new Fitter(FAMILY)
  private order: number[] = []
  private shown: number[] = []
  private readonly dirty = new Set<number>()
  /** Who is old only because nothing comes: live again with the next frame, though it need not name them. */
  private readonly silent = new Set<number>()
  private layoutDue = true
  private orderedAt = -Infinity
  private peopleChanged = true
  private page = 0
  private pageAt = performance.now()
  private foundAt?: number
  private frame = 0
  private frozen = false
  private metrics = 3
  private sort: Sort = 'rank'
  private needed: readonly number[] = []
  /** Only those whose heart beats in this zone. */
  private zone?: number
  /** People on the board when it was put in order. */
  private counted = -1
  private readonly resized = new ResizeObserver(() => this.relayout())
  private looking?: ReturnType<typeof setTimeout>
  private lookedAt = performance.now()
  private agedAt = -Infinity

  constructor(
    private readonly host: HTMLElement,
    private readonly feed: ClassFeed,
    private readonly options: WallOptions,
  ) {
    this.resized.observe(host)
    void document.fonts?.ready.then(() => {
      this.fitter.forget()
      this.surface?.destroy()
      this.surface = undefined
      this.relayout()
    })
    this.ask()
  }

  destroy(): void {
    this.frozen = true
    this.resized.disconnect()
    clearTimeout(this.looking)
    cancelAnimationFrame(this.frame)
    this.surface?.destroy()
    this.fitter.destroy()
  }

  /** The last tick has been applied to the board. */
  tick(): void {
    const { board } = this.feed
    for (let at = 0; at < board.changedCount; at++) this.dirty.add(board.changed[at]!)
    for (const slot of this.silent) this.dirty.add(slot)
    this.silent.clear()
    this.ask()
  }

  /** Somebody came, went, or is called otherwise from now on. */
  people(): void {
    this.peopleChanged = true
    for (const slot of this.shown) this.dirty.add(slot)
    this.ask()
  }

  /** The phase has changed: every tile may look different. */
  redraw(): void {
    this.people()
  }

  setSort(sort: Sort): void {
    this.sort = sort
    this.orderedAt = -Infinity
    this.ask()
  }

  /** Who needs a look, most urgent first: stands first where the wall is sorted by need. */
  setNeeded(needed: readonly number[]): void {
    this.needed = needed
    if (this.sort === 'need') this.peopleChanged = true
    this.ask()
  }

  /** 0–5; everybody where none is given. */
  setZone(zone: number | undefined): void {
    this.zone = zone
    this.orderedAt = -Infinity
    this.ask()
  }

  /** Tiles have another size from now on. */
  resize(): void {
    this.relayout()
  }

  /** Nothing moves until it is thawed: to read a wall in peace. */
  freeze(frozen: boolean): void {
    this.frozen = frozen
    this.tell()
    if (!frozen) this.relayout()
  }

  turnPage(by: number): void {
    const { pages } = pagesFor(this.order.length)
    this.page = (this.page + by + pages) % pages
    this.pageAt = performance.now()
    this.relayout()
  }

  /** Shows the page with this person, and points at the tile for a while. */
  find(slot: number): void {
    const index = this.order.indexOf(slot)
    if (index < 0) return
    this.page = Math.floor(index / pagesFor(this.order.length).each)
    this.pageAt = this.foundAt = performance.now()
    this.relayout()
    requestAnimationFrame(() => requestAnimationFrame(() => this.surface?.mark(slot)))
  }

  private ask(): void {
    if (this.frame === 0 && !this.frozen) this.frame = requestAnimationFrame(() => this.render())
  }

  private relayout(): void {
    this.layoutDue = true
    this.ask()
  }

  /** What ages without a frame from the server, and what turns by itself. */
  private passTime(): void {
    const { board } = this.feed
    const now = (this.lookedAt = performance.now())
    // What is live may become old at any moment; ages count seconds.
    const silence = this.feed.silentMs()
    const second = now - this.agedAt >= 1_000
    if (second) this.agedAt = now
    for (const slot of this.shown) {
      const live = signalOf(board.state[slot]!) < SIGNAL.STALE
      const silent = live && ageOf(board, slot, silence) > LIMITS.STALE_MS
      if (silent || this.silent.has(slot) || (!live && second)) this.dirty.add(slot)
      if (silent) this.silent.add(slot)
      else this.silent.delete(slot)
    }
    if (this.foundAt !== undefined && now - this.foundAt > FOUND_MS) {
      this.foundAt = undefined
      this.surface?.mark(undefined)
    }
    const turning = !this.options.still && !this.frozen && this.foundAt === undefined && pagesFor(this.order.length).pages > 1
    if (turning && now - this.pageAt > PAGE_MS) this.turnPage(1)
    // A frame with nothing to paint is not free.
    if (this.dirty.size > 0 || now - this.orderedAt >= REORDER_MS) this.ask()
    this.lookAgain()
  }

  /** When time has to be looked at: once a second, and when a tile would become old if no frame came until then. */
  private lookAgain(): void {
    const { board, rate } = this.feed
    const silence = this.feed.silentMs()
    let wait = this.lookedAt + (rate > 1 ? LOOK_FAST_MS : LOOK_MS) - performance.now()
    for (const slot of this.shown) {
      const left = LIMITS.STALE_MS - ageOf(board, slot, silence)
      if (left > 0 && left < wait) wait = left
    }
    clearTimeout(this.looking)
    this.looking = setTimeout(() => this.passTime(), Math.max(Math.ceil(wait), LOOK_MS_MIN))
  }

  private render(): void {
    this.frame = 0
    if (this.frozen) return this.lookAgain()
    const until = performance.now() + SLICE_MS
    this.putInOrder()
    if (this.layoutDue) this.placeTiles()
    const { board, people } = this.feed
    const silence = this.feed.silentMs()
    const ended = this.feed.ended()
    for (const slot of this.dirty) {
      this.dirty.delete(slot)
      if (board.present[slot] !== 1) continue
      this.surface?.draw(slot, tileOf(board, slot, people.get(slot), silence, ended, this.options.words))
      if (performance.now() > until) break
    }
    if (this.dirty.size > 0) this.ask()
    this.lookAgain()
  }

  /** Newcomers and leavers at once; places change at most every 5 s, so that a tile can be found again. */
  private putInOrder(): void {
    const now = performance.now()
    const count = this.count()
    const known = this.counted === count && !this.peopleChanged
    if (known && now - this.orderedAt < REORDER_MS) return
    const { board, people } = this.feed
    const order = ordered(board, people, this.sort, this.options.locale, this.needed).filter((slot) => this.zone === undefined || zoneOf(board.state[slot]!) === this.zone)
    this.orderedAt = now
    this.counted = count
    this.peopleChanged = false
    if (order.length === this.order.length && order.every((slot, at) => slot === this.order[at])) return
    this.order = order
    this.layoutDue = true
  }

  private count(): number {
    const { present } = this.feed.board
    let count = 0
    for (let slot = 0; slot < present.length; slot++) count += present[slot]!
    return count
  }

  private placeTiles(): void {
    this.layoutDue = false
    const { pages, each } = pagesFor(this.order.length)
    this.page = Math.min(this.page, pages - 1)
    this.shown = this.order.slice(this.page * each, (this.page + 1) * each)
    this.surface = this.pickSurface()
    const { clientWidth: width, clientHeight: height } = this.host
    const unit = this.options.unit()
    // Every page has the grid of a full one, so that tiles keep their size as pages turn.
    const places = pages > 1 ? each : this.shown.length
    const grid = this.options.narrow() ? scrollingGrid(places, width, unit, this.options.tile?.()) : gridFor(places, width, height, unit)
    const shape = tileLayout(grid, unit)
    this.metrics = shape.metricsY === undefined ? 0 : shape.metrics
    for (const slot of this.surface?.layout(grid, shape, this.shown) ?? []) this.dirty.add(slot)
    this.tell()
  }

  /** None, until the code of the first one has come. */
  private pickSurface(): Surface | undefined {
    const wanted = this.order.length > DOM_MAX ? this.picture : DomWall
    if (!wanted) this.loading ??= this.load()
    if (!wanted || this.surface instanceof wanted) return this.surface
    this.surface?.destroy()
    return new wanted(this.host, this.fitter, this.options.label, this.options.choose)
  }

  private async load(): Promise<void> {
    this.picture = await import('./wall-canvas').then(({ CanvasWall }) => CanvasWall, () => DomWall)
    this.relayout()
  }

  private tell(): void {
    const { pages } = pagesFor(this.order.length)
    this.options.view({ page: this.page, pages, people: this.order.length, frozen: this.frozen, metrics: this.metrics })
  }
}
