// The people of a room that is too large to be named whole, as far as they were asked for: in the order of their names, page by page.

import { Refused } from '../../net/calls'
import type { Socket } from '../../net/socket'
import { sameUuid, uuidBytes } from '../../proto/ids'
import { LIMITS } from '../../proto/layout'
import type { RoomMember } from '../../proto/protocol'

export class Roster {
  members = $state.raw<readonly RoomMember[]>([])
  /** There are others. */
  more = $state(false)
  loading = $state(false)
  /** Why the last page did not come: a code of the protocol, or `network`. */
  trouble = $state('')
  private q = ''
  private before: readonly RoomMember[] = []
  /** The newest question: what answers an earlier one is not wanted any more. */
  private newest = 0

  constructor(
    private readonly socket: Pick<Socket, 'request'>,
    private readonly room: string,
  ) {}

  /** So many are shown: one who wants another asks for the name. */
  get full(): boolean {
    return this.members.length >= LIMITS.LOOK_PEOPLE_MAX
  }

  /** Those in whose names these words begin; nothing: everybody. */
  async ask(q: string): Promise<void> {
    this.q = q
    await this.page([])
  }

  async further(): Promise<void> {
    if (!this.loading && !this.full) await this.page(this.members)
  }

  /** What did not come is asked for once more. */
  async again(): Promise<void> {
    await this.page(this.before)
  }

  /** One of them is otherwise now. */
  put(member: RoomMember): void {
    this.members = this.members.map((each) => (sameUuid(each.user, member.user) ? member : each))
  }

  drop(user: Uint8Array): void {
    this.members = this.members.filter((each) => !sameUuid(each.user, user))
  }

  private async page(before: readonly RoomMember[]): Promise<void> {
    const mine = ++this.newest
    const last = before.at(-1)
    this.before = before
    this.loading = true
    this.trouble = ''
    try {
      const answer = await this.socket.request({ t: 'members', room: uuidBytes(this.room), q: this.q || undefined, after: last && { user: last.user, name: last.name } })
      if (mine !== this.newest || answer.t !== 'members') return
      this.members = [...before, ...answer.members].slice(0, LIMITS.LOOK_PEOPLE_MAX)
      this.more = answer.more
    } catch (error) {
      if (mine === this.newest) this.trouble = error instanceof Refused ? error.refusal.code : 'network'
    } finally {
      if (mine === this.newest) this.loading = false
    }
  }
}
