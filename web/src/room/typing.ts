// Who types in the rooms that a page follows: told now and then, kept nowhere, and over by itself.

import type { Socket } from '../net/socket'
import { localNow } from '../net/clock'
import { uuidBytes, uuidText } from '../proto/ids'
import { LIMITS } from '../proto/layout'
import type { Response } from '../proto/protocol'

interface Typist {
  user: Uint8Array
  name: string
  /** Shown until then, local milliseconds. */
  until: number
}

export class Typing {
  /** By room, and there by person. */
  private readonly rooms = new Map<string, Map<string, Typist>>()
  private readonly said = new Map<string, number>()
  private timer?: ReturnType<typeof setTimeout>

  /** `changed`: somebody began to type, or types no more. */
  constructor(
    private readonly socket: Pick<Socket, 'tell' | 'listen' | 'topics'>,
    private readonly changed: () => void,
  ) {
    socket.listen((push) => this.heard(push))
  }

  /** This page's person types: said every few seconds. */
  type(room: string): void {
    const now = localNow()
    if (now - (this.said.get(room) ?? -Infinity) < LIMITS.TYPING_EVERY_MS) return
    if (this.socket.tell({ t: 'typing', room: uuidBytes(room) })) this.said.set(room, now)
  }

  /** The message has come: whoever wrote it types no more, and what this person types next is said at once. */
  wrote(room: string, user: Uint8Array, own: boolean): void {
    if (own) this.said.delete(room)
    if (this.rooms.get(room)?.delete(uuidText(user))) this.changed()
  }

  /** Who types there now, in the order in which they began. */
  in(room: string): readonly Typist[] {
    return [...(this.rooms.get(room)?.values() ?? [])]
  }

  private heard(push: Response): void {
    if (push.t !== 'typing') return
    const topic = this.socket.topics.all().find(({ handle }) => handle === push.h)
    if (!topic?.name.startsWith('room:')) return
    const room = topic.name.slice('room:'.length)
    const there = this.rooms.get(room) ?? new Map<string, Typist>()
    this.rooms.set(room, there.set(uuidText(push.user), { user: push.user, name: push.name, until: localNow() + LIMITS.TYPING_SHOWN_MS }))
    this.changed()
    this.timer ??= setTimeout(() => this.pass(), LIMITS.TYPING_SHOWN_MS)
  }

  /** Whoever has not been told again types no more. */
  private pass(): void {
    this.timer = undefined
    const now = localNow()
    let next = Infinity
    for (const [room, there] of this.rooms) {
      for (const [user, { until }] of there) {
        if (until <= now) there.delete(user)
        else next = Math.min(next, until)
      }
      if (there.size === 0) this.rooms.delete(room)
    }
    if (next < Infinity) this.timer = setTimeout(() => this.pass(), next - now)
    this.changed()
  }
}
