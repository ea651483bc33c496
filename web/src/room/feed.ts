// One room as a page follows it: the topic `room:<id>`, folded, and older pages of it when they are asked for.

import type { Message, Refusal, RoomEvent, RoomRole, RoomSnapshot } from '../proto/protocol'
import { sameUuid, uuidBytes } from '../proto/ids'
import type { Socket } from '../net/socket'
import { Messages, MESSAGES_MAX, reacted } from './messages'

export interface RoomWatcher {
  changed(): void
  /** Before `changed`: somebody has just written this. */
  posted?(message: Message): void
  /** It may not be followed, or not any more. */
  refused(refusal: Refusal): void
}

const PAGE = 50
/** Messages that are shown besides the list: quoted and pinned ones. As many as a list can quote: fewer would be asked for in a circle. */
const ASIDE_MAX = MESSAGES_MAX + 200

export class RoomFeed {
  readonly messages = new Messages()
  snapshot?: RoomSnapshot
  /** An older page is being read. */
  loading = false
  /** The oldest first; nothing where it was not found. */
  private readonly aside = new Map<number, Message | undefined>()
  private link?: object
  private end?: () => void

  constructor(
    private readonly socket: Socket,
    readonly id: string,
    private readonly me: Uint8Array,
    private readonly watcher: RoomWatcher,
  ) {}

  get topic(): string {
    return `room:${this.id}`
  }

  start(): void {
    this.end ??= this.socket.follow(this.topic, {
      snapshot: (snapshot) => snapshot.t === 'room' && this.begin(snapshot),
      event: (event) => {
        this.event(event as RoomEvent)
        this.watcher.changed()
      },
      refused: (refusal) => {
        this.end = undefined
        // That one is out is told before the event that says so, and nothing comes after it.
        if (refusal.code === 'not_member' && this.snapshot) {
          this.snapshot = { ...this.snapshot, role: undefined }
          this.watcher.changed()
        }
        this.watcher.refused(refusal)
      },
    })
  }

  stop(): void {
    this.end?.()
    this.end = undefined
  }

  /** The newest number that this page has. */
  get newest(): number {
    return Math.max(this.socket.topics.get(this.topic)?.position?.offset ?? 0, this.messages.newest?.seq ?? 0)
  }

  /** One's own message of this `cmd` is among those that are held. */
  has(cmd: string): boolean {
    const bytes = uuidBytes(cmd)
    return this.messages.list.some((each) => sameUuid(each.cmd, bytes) && sameUuid(each.by, this.me))
  }

  get role(): RoomRole | undefined {
    return this.snapshot?.role
  }

  /** The page before what is held. Rejects where the link is away. */
  async older(limit = PAGE): Promise<void> {
    const first = this.messages.list[0]?.seq
    if (this.loading || !this.messages.more) return
    this.loading = true
    this.watcher.changed()
    try {
      const answer = await this.socket.request({ t: 'history', room: uuidBytes(this.id), from: { t: 'before', seq: first ?? this.newest + 1 }, limit })
      // A snapshot that came meanwhile has begun anew.
      if (answer.t === 'page' && this.messages.list[0]?.seq === first) this.messages.older(answer.messages, answer.more)
    } finally {
      this.loading = false
      this.watcher.changed()
    }
  }

  /** A message by its number: at once where it is held, else asked for, once a link. */
  find(seq: number): Message | undefined {
    if (this.link !== this.socket.welcome) {
      this.link = this.socket.welcome
      for (const [missed, found] of this.aside) if (!found) this.aside.delete(missed)
    }
    const held = this.messages.find(seq) ?? this.aside.get(seq)
    if (!held && !this.aside.has(seq)) void this.fetch(seq)
    return held
  }

  private async fetch(seq: number): Promise<void> {
    this.aside.set(seq, undefined)
    while (this.aside.size > ASIDE_MAX) this.aside.delete(this.aside.keys().next().value!)
    try {
      const answer = await this.socket.request({ t: 'history', room: uuidBytes(this.id), from: { t: 'before', seq: seq + 1 }, limit: 1 })
      const found = answer.t === 'page' ? answer.messages.find((each) => each.seq === seq) : undefined
      if (!found) return
      this.aside.set(seq, found)
      this.watcher.changed()
    } catch {
      this.aside.delete(seq)
    }
  }

  private begin(snapshot: RoomSnapshot): void {
    this.snapshot = snapshot
    this.messages.begin(snapshot.recent, this.newest)
    this.aside.clear()
    this.watcher.changed()
    if (!snapshot.recent.length) void this.older().catch(() => {})
  }

  private event(event: RoomEvent): void {
    const room = this.snapshot
    if (!room) return
    switch (event.t) {
      case 'created':
        return
      case 'posted':
        this.watcher.posted?.(event.message)
        return this.messages.put(event.message)
      case 'deleted':
      case 'edited':
        this.messages.put(event.message)
        if (this.aside.has(event.message.seq)) this.aside.set(event.message.seq, event.message)
        if (event.t === 'deleted') this.snapshot = { ...room, pins: room.pins?.filter((seq) => seq !== event.message.seq) }
        return
      case 'reacted':
        this.messages.react(event.toggles)
        for (const toggle of event.toggles) {
          const aside = this.aside.get(toggle.seq)
          if (aside) this.aside.set(toggle.seq, reacted(aside, toggle))
        }
        return
      case 'joined': {
        const own = sameUuid(event.member.user, this.me)
        this.snapshot = { ...room, people: room.people + 1, members: [...room.members, event.member], role: own ? event.member.role : room.role }
        return
      }
      case 'left':
        return this.gone(room, event.user)
      case 'banned':
        if (event.banned) this.gone(room, event.user)
        return
      case 'appointed':
        this.snapshot = {
          ...room,
          role: sameUuid(event.user, this.me) ? event.role : room.role,
          members: room.members.map((each) => (sameUuid(each.user, event.user) ? { ...each, role: event.role } : each)),
        }
        return
      case 'pinned':
        this.snapshot = { ...room, pins: [...(room.pins ?? []).filter((seq) => seq !== event.seq), ...(event.pinned ? [event.seq] : [])] }
        return
      case 'slowed':
        this.snapshot = { ...room, slow_s: event.seconds }
        return
      case 'closed':
        this.snapshot = { ...room, closed: event.closed }
        return
      case 'muted':
        if (sameUuid(event.user, this.me)) this.snapshot = { ...room, muted_until_ms: event.until_ms }
        return
    }
  }

  private gone(room: RoomSnapshot, user: Uint8Array): void {
    const own = sameUuid(user, this.me)
    const members = room.members.filter((each) => !sameUuid(each.user, user))
    // One who is banned may have left before; of a room too large to be named whole nobody here knows.
    const people = members.length < room.members.length || room.people > room.members.length ? room.people - 1 : room.people
    this.snapshot = { ...room, people, members, role: own ? undefined : room.role }
  }
}
