// Who is in a room, as a list shows it: in which order, how many of them are there, and whom the page looks at. Knows no page.

import type { Socket } from '../net/socket'
import { uuidBytes, uuidText } from '../proto/ids'
import { LIMITS } from '../proto/layout'
import type { RoomMember, RoomSnapshot } from '../proto/protocol'
import type { There } from './presence'

/** The snapshot names everybody, and one may look at all of them; else the server is asked, page by page. */
export const namesAll = ({ members, people }: RoomSnapshot): boolean => members.length >= people && members.length <= LIMITS.LOOK_PEOPLE_MAX

/** Those who are there first, then by name. Whom somebody is reading stays in place: `before` is the order that they read. */
export function ordered(members: readonly RoomMember[], there: (user: Uint8Array) => boolean, before: readonly RoomMember[] = []): RoomMember[] {
  const places = new Map(before.map(({ user }, at) => [uuidText(user), at]))
  const placed = members.map((member) => ({ member, id: uuidText(member.user), there: Number(there(member.user)) }))
  placed.sort((a, b) => {
    const [at, other] = [places.get(a.id) ?? Infinity, places.get(b.id) ?? Infinity]
    if (at !== other) return at - other
    return b.there - a.there || a.member.name.localeCompare(b.member.name) || (a.id < b.id ? -1 : 1)
  })
  return placed.map(({ member }) => member)
}

/** How many are there. Where all of them are named, nobody counts of whom nothing is shown; of many nobody can tell who they are. */
export function countsOf({ people, online, in_class, away }: There, hides: (user: Uint8Array) => boolean): Omit<There, 'people'> {
  if (people.size < online + in_class + away) return { online, in_class, away }
  const seen = [...people].filter(([user]) => !hides(uuidBytes(user)))
  const count = (of: string) => seen.filter(([, is]) => is === of).length
  return { online: count('online'), in_class: count('in_class'), away: count('away') }
}

/** Whom of a room's people this page looks at: said when it changes, and again when the link is back. */
export class Look {
  private people: readonly Uint8Array[] = []
  private said = ''
  private readonly unwatch: () => void

  constructor(
    private readonly socket: Pick<Socket, 'tell' | 'watch'>,
    private readonly room: string,
  ) {
    this.unwatch = socket.watch(({ state }) => state === 'live' && this.people.length > 0 && this.say())
  }

  at(people: readonly Uint8Array[]): void {
    this.people = people.slice(0, LIMITS.LOOK_PEOPLE_MAX)
    const now = this.people.map(uuidText).sort().join()
    if (now === this.said) return
    this.said = now
    this.say()
  }

  end(): void {
    this.at([])
    this.unwatch()
  }

  private say(): void {
    this.socket.tell({ t: 'look_at', room: uuidBytes(this.room), people: [...this.people] })
  }
}
