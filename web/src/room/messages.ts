// The messages of one room that this page holds: in order of their numbers, each once, as it is now. Knows no socket.

import type { Message, Toggle } from '../proto/protocol'
import { sameUuid } from '../proto/ids'

/** Held at most; above it the oldest go, and can be had again. */
export const MESSAGES_MAX = 2_000

export interface Unread {
  count: number
  /** There may be more: the first of them is not held. */
  more: boolean
}

export class Messages {
  list: readonly Message[] = []
  /** There are older ones that are not held. */
  more = false

  /** The newest, as a snapshot at number `through` has them: none, where so much else has happened since. What was held belongs to another count. */
  begin(recent: readonly Message[], through: number): void {
    this.list = [...recent]
    // Number 1 is the room's beginning, and no message.
    this.more = (recent[0]?.seq ?? through + 1) > 2
  }

  /** A page that lies before what is held. */
  older(page: readonly Message[], more: boolean): void {
    const first = this.list[0]?.seq ?? Infinity
    this.list = [...page.filter((each) => each.seq < first), ...this.list]
    this.more = more
  }

  /** Posted, edited or deleted. One older than all that is held is read with its page. */
  put(message: Message): void {
    const last = this.list.at(-1)
    if (!last || message.seq > last.seq) {
      this.list = [...this.list.slice(-(MESSAGES_MAX - 1)), message]
      if (this.list[0]!.seq > 2 && this.list.length === MESSAGES_MAX) this.more = true
      return
    }
    const at = this.list.findIndex((each) => each.seq === message.seq)
    if (at >= 0) this.list = this.list.with(at, message)
  }

  /** Reactions as they came: what is not held has them when it is read. */
  react(toggles: readonly Toggle[]): void {
    for (const toggle of toggles) {
      const at = this.list.findIndex((each) => each.seq === toggle.seq)
      if (at >= 0) this.list = this.list.with(at, reacted(this.list[at]!, toggle))
    }
  }

  find(seq: number): Message | undefined {
    return this.list.find((each) => each.seq === seq)
  }

  get newest(): Message | undefined {
    return this.list.at(-1)
  }
}

/** What others wrote above this number and nobody took away; nothing of people of whom nothing is shown. */
export function unreadOf({ list, more }: Messages, read: number, me: Uint8Array, hides: (user: Uint8Array) => boolean = () => false): Unread {
  const count = list.filter((each) => each.seq > read && !each.deleted_by && !sameUuid(each.by, me) && !hides(each.by)).length
  return { count, more: count > 0 && more && list[0]!.seq > read + 1 }
}

/** A message with this reaction, or without it; the same message where it is so already. */
export function reacted(message: Message, { by, reaction, on }: Toggle): Message {
  const known = message.reactions ?? []
  const has = known.some((each) => each.reaction === reaction && each.by.some((user) => sameUuid(user, by)))
  if (message.deleted_by || has === on) return message
  if (!on) {
    const left = known.map((each) => (each.reaction === reaction ? { ...each, by: each.by.filter((user) => !sameUuid(user, by)) } : each))
    return { ...message, reactions: left.filter((each) => each.by.length > 0) }
  }
  const there = known.some((each) => each.reaction === reaction)
  const reactions = there ? known.map((each) => (each.reaction === reaction ? { ...each, by: [...each.by, by] } : each)) : [...known, { reaction, by: [by] }]
  return { ...message, reactions }
}
