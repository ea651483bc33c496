// In what order people stand on the wall.

import type { Board } from './ticks'
import type { Person } from './tile-model'

export type Sort = 'rank' | 'seat' | 'name' | 'need'
/** What the hall may choose from; only the trainer's desk knows who needs a look. */
export const SORTS: readonly Sort[] = ['rank', 'seat', 'name']

/** `needed`: who needs a look, most urgent first. */
export function ordered(board: Board, people: ReadonlyMap<number, Person>, sort: Sort, locale: string, needed: readonly number[] = []): number[] {
  const slots: number[] = []
  for (let slot = 0; slot < board.present.length; slot++) if (board.present[slot] === 1) slots.push(slot)
  const bySeat = (a: number, b: number) => compareSeats(people.get(a)?.seat, people.get(b)?.seat) || a - b
  if (sort === 'seat') return slots.sort(bySeat)
  if (sort === 'need') {
    const first = needed.filter((slot) => board.present[slot] === 1)
    return [...first, ...slots.filter((slot) => !first.includes(slot)).sort((a, b) => board.rank[a]! - board.rank[b]! || bySeat(a, b))]
  }
  if (sort === 'rank') return slots.sort((a, b) => board.rank[a]! - board.rank[b]! || bySeat(a, b))
  const { compare } = new Intl.Collator(locale, { numeric: true })
  return slots.sort((a, b) => compare(people.get(a)?.name ?? '', people.get(b)?.name ?? '') || a - b)
}

/** As people count them: 2 before 10, and who has none comes last. */
export function compareSeats(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  return a.length - b.length || (a < b ? -1 : 1)
}

/** Somebody by seat, else by the beginning of a name. */
export function findPerson(people: ReadonlyMap<number, Person>, words: string): number | undefined {
  const wanted = words.trim().toLocaleLowerCase()
  if (!wanted) return undefined
  let byName: number | undefined
  for (const [slot, { name, seat }] of people) {
    if (seat?.toLocaleLowerCase() === wanted) return slot
    if (byName === undefined && name.toLocaleLowerCase().startsWith(wanted)) byName = slot
  }
  return byName
}
