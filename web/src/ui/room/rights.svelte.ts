// What one may do in a room, as the server will say too: nothing is offered that would be refused.

import { currentLogin } from '../../net/auth'
import { sameUuid } from '../../proto/ids'
import type { Message, RoomRole } from '../../proto/protocol'
import type { RoomState } from './rooms.svelte'

const RANKS = { member: 0, moderator: 1, owner: 2 }

export class Rights {
  private readonly staff = ['trainer', 'admin'].includes(currentLogin()?.role ?? '')

  constructor(private readonly room: RoomState) {}

  private get snapshot() {
    void this.room.version
    return this.room.feed.snapshot
  }

  get member(): boolean {
    return this.snapshot?.role !== undefined
  }

  /** Two people: staff have no business in it. */
  get private(): boolean {
    return ['direct', 'trainer'].includes(this.snapshot?.kind ?? '')
  }

  /** More than two may write: each message says whose it is. */
  get many(): boolean {
    return !this.private
  }

  /** Members, and staff where it is not a talk of two. */
  get reads(): boolean {
    return this.member || (this.staff && !this.private)
  }

  get moderates(): boolean {
    if (this.private) return false
    return this.staff || RANKS[this.snapshot?.role ?? 'member'] > 0
  }

  get pins(): boolean {
    return this.moderates || (this.private && this.member)
  }

  /** Everybody into an open room, staff also into one to which people are added. */
  get joins(): boolean {
    return this.snapshot?.join === 'open' || (this.staff && this.snapshot?.join === 'invited')
  }

  get leaves(): boolean {
    return this.member && this.snapshot?.join !== 'fixed'
  }

  /** One brings others in, and sends those out who are below. */
  get adds(): boolean {
    return this.moderates && this.snapshot?.join !== 'fixed'
  }

  /** One says who moderates. */
  get appoints(): boolean {
    return this.moderates && (this.staff || this.snapshot?.role === 'owner')
  }

  mine(message: Message, me: Uint8Array): boolean {
    return sameUuid(message.by, me)
  }

  /** One keeps order among those below. `known`: their role, where the snapshot need not name them. */
  above(user: Uint8Array, me: Uint8Array, known?: RoomRole): boolean {
    if (!this.moderates || sameUuid(user, me)) return false
    const theirs = known ?? this.snapshot?.members.find((each) => sameUuid(each.user, user))?.role ?? 'member'
    return this.staff || RANKS[this.snapshot?.role ?? 'member'] > RANKS[theirs]
  }
}
