// What one tile says: from the board's numbers, the person's name and how old it all is. Both walls draw exactly this.

import { ABSENT_U16, ABSENT_U8, LIMITS, SIGNAL, STATE_HAND, STATE_OVER_MAX, ZONE_ABSENT } from '../proto/layout'
import type { DeskEntry } from '../proto/protocol'
import type { Board } from './ticks'
import { signalOf, zoneOf } from './ticks'
import { timeText } from './timer'

/**
 * zone: live, coloured by zone. plain: live, without a zone. private: heart rate is not shown, by consent.
 * stale: older than 3 s. lost: older than 10 s, or left. waiting: nothing has come yet. final: the class is over.
 */
export type Look = 'zone' | 'plain' | 'private' | 'stale' | 'lost' | 'waiting' | 'final'
export type Unit = 'percent' | 'bpm' | 'points' | 'none'
export type Reason = 'sensor' | 'network' | 'left'

export interface Tile {
  name: string
  seat: string
  rank: string
  look: Look
  /** 0–5; -1 where there is none. */
  zone: number
  hero: string
  unit: Unit
  bpm: string
  kcal: string
  points: string
  /** The zone's word, or why there is none; and the same in fewer words, for small tiles. */
  note: string
  shorter: readonly string[]
  /** How long it has been lost, `> ` where it was lost before we came. */
  age: string
  over: boolean
  hand: boolean
}

/** The words of tiles, in the page's language. */
export interface TileWords {
  /** Below zone 1, then zones 1 to 5. */
  zones: readonly string[]
  /** Each in full, then ever shorter. */
  over: readonly string[]
  private: readonly string[]
  waiting: readonly string[]
  lost: Readonly<Record<Reason, readonly string[]>>
  ago(seconds: number): string
  unnamed(slot: number): string
}

export interface Person {
  name: string
  seat?: string
  /** Only on the desk. */
  desk?: DeskEntry
}

export const NOTHING = '––'

/**
 * How old the newest heart rate of a slot may be, class milliseconds; of one that is stale, lost or has left, how old it is at least.
 * `silence`: nothing has come for so long; that much is everybody older.
 */
export function ageOf(board: Board, slot: number, silence: number): number {
  const header = board.header
  if (!header) return 0
  const signal = signalOf(board.state[slot]!)
  const lasted = Math.max(0, header.classMs - board.since[slot]!)
  // Whose samples all come late stays ageing or stale for long; that they are lost the server says.
  if (signal === SIGNAL.STALE) return Math.min(LIMITS.STALE_MS + lasted, LIMITS.LOST_MS) + silence
  if (signal === SIGNAL.LOST_SENSOR || signal === SIGNAL.LOST_NETWORK) return LIMITS.LOST_MS + lasted + silence
  if (signal === SIGNAL.LEFT) return lasted + silence
  if (signal === SIGNAL.AGEING) return (board.older[slot] === 1 ? LIMITS.STALE_MS : Math.min(LIMITS.AGEING_MS + lasted, LIMITS.STALE_MS)) + silence
  return LIMITS.AGEING_MS + silence
}

function lostReason(signal: number): Reason {
  if (signal === SIGNAL.LEFT) return 'left'
  return signal === SIGNAL.LOST_SENSOR ? 'sensor' : 'network'
}

const number = (value: number, absent: number): string => (value === absent ? '' : String(value))

/** `ended`: the class is over, and points are what is left to see. */
export function tileOf(board: Board, slot: number, person: Person | undefined, silence: number, ended: boolean, words: TileWords): Tile {
  const state = board.state[slot]!
  const signal = signalOf(state)
  const rawZone = zoneOf(state)
  const bpm = number(board.bpm[slot]!, ABSENT_U8)
  const percent = number(board.percent[slot]!, ABSENT_U8)
  const points = number(board.points[slot]!, ABSENT_U16)
  const rank = board.rank[slot]!
  const tile: Tile = {
    name: person?.name ?? words.unnamed(slot),
    seat: person?.seat ?? '',
    rank: rank === ABSENT_U16 ? '' : `#${rank}`,
    look: 'plain',
    zone: rawZone === ZONE_ABSENT ? -1 : rawZone,
    hero: NOTHING,
    unit: 'none',
    bpm,
    kcal: number(board.kcal[slot]!, ABSENT_U16),
    points,
    ...said(),
    age: '',
    over: false,
    hand: (state & STATE_HAND) !== 0,
  }
  if (ended) return asFinal(tile)
  const age = ageOf(board, slot, silence)
  if (signal === SIGNAL.WAITING) return { ...tile, ...noHeart(), look: 'waiting', ...said(words.waiting) }
  if (signal > SIGNAL.STALE || age > LIMITS.LOST_MS) {
    const atLeast = signal > SIGNAL.STALE && board.older[slot] === 1 ? '> ' : ''
    return { ...tile, ...noHeart(), look: 'lost', ...said(words.lost[lostReason(signal)]), age: atLeast + wholeSeconds(age) }
  }
  if (bpm === '') return asPrivate(tile, words)
  tile.hero = percent === '' ? bpm : percent
  tile.unit = percent === '' ? 'bpm' : 'percent'
  if (signal === SIGNAL.STALE || age > LIMITS.STALE_MS) {
    return { ...tile, look: 'stale', note: words.ago(Math.floor(age / 1_000)) }
  }
  tile.over = (state & STATE_OVER_MAX) !== 0
  if (tile.zone < 0) return tile
  return { ...tile, look: 'zone', ...said(tile.over ? words.over : [words.zones[tile.zone]!]) }
}

const wholeSeconds = (ms: number): string => timeText(Math.floor(ms / 1_000) * 1_000)

function said([note = '', ...shorter]: readonly string[] = []): Pick<Tile, 'note' | 'shorter'> {
  return { note, shorter }
}

/** A number that is too old is not shown: not dimmed, not frozen. */
function noHeart(): Pick<Tile, 'hero' | 'unit' | 'bpm' | 'kcal' | 'zone'> {
  return { hero: NOTHING, unit: 'none', bpm: '', kcal: '', zone: -1 }
}

function asPrivate(tile: Tile, words: TileWords): Tile {
  const hero = tile.points === '' ? NOTHING : tile.points
  return { ...tile, look: 'private', hero, unit: tile.points === '' ? 'none' : 'points', zone: -1, ...said(words.private) }
}

function asFinal(tile: Tile): Tile {
  const hero = tile.points === '' ? NOTHING : tile.points
  return { ...tile, look: 'final', hero, unit: tile.points === '' ? 'none' : 'points', bpm: '', zone: -1, hand: false }
}
