// What a room's page shows, line by line: days, the place up to which one had read, messages, and what waits to be sent.

import type { Message } from '../proto/protocol'
import { sameUuid, uuidText } from '../proto/ids'
import type { Post } from './posts'

/** Messages of one person within this time stand together under one name. */
const TOGETHER_MS = 300_000

export type Row =
  | { t: 'day'; key: string; at: number }
  | { t: 'unread'; key: string }
  | { t: 'message'; key: string; message: Message; own: boolean; head: boolean }
  | { t: 'post'; key: string; post: Post; head: boolean }

export interface Shown {
  messages: readonly Message[]
  /** Of this room, in order. */
  posts: readonly Post[]
  me: Uint8Array
  /** The number up to which one had read when the divider was set; none: no divider. */
  divider?: number
}

export function dayOf(at: number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`
}

/**
 * One's own message keeps the key of its post: what was waiting becomes what was sent, in its place. A `cmd` is its author's alone: others'
 * messages go by their numbers.
 */
export function rowsOf({ messages, posts, me, divider }: Shown): Row[] {
  const rows: Row[] = []
  const there = new Set<string>()
  let before: { by: string; at: number } | undefined
  let day = ''
  let divided = divider === undefined
  for (const message of messages) {
    const own = sameUuid(message.by, me)
    if (dayOf(message.at_ms) !== day) {
      day = dayOf(message.at_ms)
      rows.push({ t: 'day', key: `day ${message.seq}`, at: message.at_ms })
      before = undefined
    }
    if (!divided && message.seq > divider! && !own && !message.deleted_by) {
      divided = true
      rows.push({ t: 'unread', key: 'unread' })
      before = undefined
    }
    const [cmd, by] = [uuidText(message.cmd), uuidText(message.by)]
    const key = own && !there.has(cmd) ? cmd : `message ${message.seq}`
    if (own) there.add(cmd)
    const head = before?.by !== by || message.at_ms - before.at > TOGETHER_MS
    rows.push({ t: 'message', key, message, own, head })
    before = { by, at: message.at_ms }
  }
  let ownBefore = before?.by === uuidText(me)
  for (const post of posts) {
    if (there.has(post.key)) continue
    rows.push({ t: 'post', key: post.key, post, head: !ownBefore })
    ownBefore = true
  }
  return rows
}

/**
 * Where the divider stands after a message of another has come. It moves only where all before was read and nobody looks: so it stays
 * put while one reads on.
 */
export function dividerAt(now: number | undefined, had: { read: number; unread: number }, looking: boolean): number | undefined {
  return looking || had.unread > 0 ? now : had.read
}
