// What members have asked the front desk, as staff see it: who waits for an answer. Knows no socket.

import { uuidText } from '../proto/ids'
import type { Message } from '../proto/protocol'

/** The newest message of a room. */
export interface Said {
  at_ms: number
  by: string
  name: string
  text: string
  picture: boolean
  deleted: boolean
}

/** A room as the gym's list has it. */
export interface Asked {
  room: string
  name: string
  people: number
  /** Who asks. */
  maker?: { user: string; name: string }
  last?: Said
}

/** A room that this page follows, because one is in it. */
interface Followed {
  id: string
  name: string
  last?: Message
}

export interface DeskLine {
  id: string
  name: string
  last?: Said
  /** Who asks wrote last. */
  waits: boolean
  followed: boolean
}

const said = ({ at_ms, by, name, text, picture, deleted_by }: Message): Said => ({ at_ms, by: uuidText(by), name, text, picture: picture !== undefined, deleted: deleted_by !== undefined })

/** The liveliest first. The list is asked for now and then; what is followed is known at once. */
export function deskLines(asked: readonly Asked[], followed: readonly Followed[]): DeskLine[] {
  const lines = new Map<string, DeskLine & { maker?: string }>()
  for (const { room, name, maker, last } of asked) lines.set(room, { id: room, name, last, maker: maker?.user, waits: false, followed: false })
  for (const { id, name, last } of followed) {
    const known = lines.get(id)
    const newer = last && last.at_ms >= (known?.last?.at_ms ?? 0) ? said(last) : known?.last
    lines.set(id, { id, name: known?.name ?? name, last: newer, maker: known?.maker, waits: false, followed: true })
  }
  return [...lines.values()]
    .map(({ maker, ...line }) => ({ ...line, waits: line.last !== undefined && !line.last.deleted && line.last.by === maker }))
    .sort((a, b) => (b.last?.at_ms ?? 0) - (a.last?.at_ms ?? 0) || (a.id < b.id ? 1 : -1))
}

/** What a page of the list says, before what was known of others. */
export function together(fresh: readonly Asked[], known: readonly Asked[]): Asked[] {
  const told = new Set(fresh.map((each) => each.room))
  return [...fresh, ...known.filter((each) => !told.has(each.room))]
}
