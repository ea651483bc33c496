// Who is there in the rooms that a page follows, how far the other of two is, and what this page says of its own person. Nothing of it is kept.

import type { Socket } from '../net/socket'
import { uuidText } from '../proto/ids'
import { LIMITS } from '../proto/layout'
import type { Presence, Response } from '../proto/protocol'

/** How many are there, and who, by id: those whom the server has named. */
export interface There extends Omit<Extract<Response, { t: 'presence' }>, 't' | 'h' | 'people'> {
  people: ReadonlyMap<string, Presence>
}

/** Up to which number everything has arrived at the other, and is read. */
export type Far = Pick<Extract<Response, { t: 'marks' }>, 'got' | 'read'>

export class Presences {
  private readonly rooms = new Map<string, There>()
  private readonly marks = new Map<string, Far>()
  private begun = false

  /** `is`: how this page's person is there now; `changed`: somebody came, went or is otherwise. */
  constructor(
    private readonly socket: Pick<Socket, 'tell' | 'listen' | 'watch' | 'topics'>,
    private readonly is: () => Presence,
    private readonly changed: () => void,
  ) {}

  /** From here on this page says every few seconds that its person is there. */
  start(): void {
    if (this.begun) return
    this.begun = true
    void import('../net/beat').then(({ beat }) => beat(LIMITS.HERE_EVERY_MS, () => this.say()))
    this.socket.listen((push) => this.heard(push))
    this.socket.watch(({ state }) => {
      // What was known is worth nothing when the socket is lost.
      if (state === 'offline' && this.rooms.size) this.forget()
      if (state === 'live') this.say()
    })
  }

  say(): void {
    this.socket.tell({ t: 'here', is: this.is() })
  }

  in(room: string): There | undefined {
    return this.rooms.get(room)
  }

  /** How far the other of two is. */
  far(room: string): Far | undefined {
    return this.marks.get(room)
  }

  private forget(): void {
    this.rooms.clear()
    this.changed()
  }

  private heard(push: Response): void {
    if (push.t !== 'presence' && push.t !== 'marks') return
    const topic = this.socket.topics.all().find(({ handle }) => handle === push.h)
    if (!topic?.name.startsWith('room:')) return
    const room = topic.name.slice('room:'.length)
    if (push.t === 'marks') this.marks.set(room, push)
    else this.rooms.set(room, { ...push, people: new Map(push.people.map(([user, is]) => [uuidText(user), is])) })
    this.changed()
  }
}
