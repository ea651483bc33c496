// Names in a message: who may be meant while one types `@`, who is meant in the end, and where they and addresses stand in the words.

import { sameUuid } from '../proto/ids'
import { LIMITS } from '../proto/layout'
import type { Mention } from '../proto/protocol'
import { linksIn } from './links'

/** So many are offered. */
const OFFERED = 5
/** What stands behind an `@` that begins a word, up to the caret: a name has two words at most that are typed. */
const ASKED = /(?:^|\s)@([^\s@]{0,40}(?: [^\s@]{0,40})?)$/u

/** In lower case and without marks. */
const folded = (text: string) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '')

export interface Asked {
  /** Where the `@` stands. */
  from: number
  /** Whom it may mean, best first. */
  people: Mention[]
}

/** What stands there of a name. */
export const typedName = (before: string): string | undefined => ASKED.exec(before)?.[1]

/** Whom the words before the caret may mean. */
export function askedFor(before: string, people: readonly Mention[]): Asked | undefined {
  const typed = typedName(before)
  if (typed === undefined) return undefined
  const wanted = folded(typed)
  const fits = ({ name }: Mention) => folded(name).startsWith(wanted) || folded(name).split(/\s+/).some((word) => wanted !== '' && word.startsWith(wanted))
  const found = people.filter(fits).slice(0, OFFERED)
  return found.length ? { from: before.length - typed.length - 1, people: found } : undefined
}

export type Piece = { text: string; who?: Mention; href?: string }

/** The words cut where they name somebody, the longest name counts, and where an address stands. Two of one name come one after the other. */
export function piecesOf(text: string, people: readonly Mention[]): Piece[] {
  const names = people.filter(({ name }) => name).sort((a, b) => b.name.length - a.name.length)
  const links = new Map(linksIn(text).map((each) => [each.from, each]))
  const pieces: Piece[] = []
  let plain = ''
  for (let at = 0; at < text.length; ) {
    const named = text[at] === '@' ? names.find(({ name }) => text.startsWith(name, at + 1) && !/^[\p{L}\p{N}]/u.test(text.slice(at + 1 + name.length))) : undefined
    const same = named ? names.filter(({ name }) => name === named.name) : []
    const who = same.length > 1 ? (same[pieces.filter((each) => each.who?.name === named!.name).length] ?? same.at(-1)) : named
    const link = who ? undefined : links.get(at)
    if (!who && !link) {
      plain += text[at++]
      continue
    }
    if (plain) pieces.push({ text: plain })
    plain = ''
    const words = text.slice(at, who ? at + 1 + who.name.length : link!.to)
    pieces.push(who ? { text: words, who } : { text: words, href: words })
    at += words.length
  }
  return plain || !pieces.length ? [...pieces, { text: plain }] : pieces
}

/** Who is meant, each once; no more than a message may name. Of one name those count whom one chose, the newest as often as it stands there. */
export function meantIn(text: string, people: readonly Mention[], chosen: readonly Mention[] = []): Uint8Array[] {
  const names = piecesOf(text, [...chosen, ...people]).flatMap(({ who }) => (who ? [who.name] : []))
  const meant: Uint8Array[] = []
  for (const name of new Set(names)) {
    const picked = chosen.filter((each) => each.name === name).slice(-names.filter((each) => each === name).length)
    const all = picked.length ? picked : people.filter((each) => each.name === name).slice(0, 1)
    for (const { user } of all) if (!meant.some((each) => sameUuid(each, user))) meant.push(user)
  }
  return meant.slice(0, LIMITS.MENTIONS_MAX)
}
