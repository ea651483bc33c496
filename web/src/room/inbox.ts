// What waits to be read: notices from elsewhere, and which of them are wanted. Knows no socket.

import { LIMITS } from '../proto/layout'
import { sameUuid } from '../proto/ids'
import type { Notice, NoticeOf, NoticeTopic, Place, UserEvent } from '../proto/protocol'

export interface Inbox {
  /** Oldest first. */
  readonly notices: readonly Notice[]
  readonly unwanted: readonly NoticeTopic[]
}

export const EMPTY: Inbox = { notices: [], unwanted: [] }

/** The message that a notice is about. */
export const placeOf = (of: NoticeOf): Place | undefined => (of.t === 'mentioned' || of.t === 'answered' ? of.place : undefined)

/** Whose doing it is. */
export const byOf = (of: NoticeOf): Uint8Array | undefined => (of.t === 'brought_in' ? of.by : placeOf(of)?.by)

const read = (inbox: Inbox, is: (notice: Notice) => boolean): Inbox => ({
  ...inbox,
  notices: inbox.notices.map((notice) => (!notice.read && is(notice) ? { ...notice, read: true } : notice)),
})

/** The inbox after an event of `user:me`; the same where that is none of its own. */
export function inboxAfter(inbox: Inbox, event: UserEvent): Inbox {
  switch (event.t) {
    case 'noticed': {
      const kept = inbox.notices.filter((each) => each.number !== event.instead && each.number !== event.notice.number)
      return { ...inbox, notices: [...kept, event.notice].slice(-LIMITS.INBOX_MAX) }
    }
    case 'notices_read':
      return read(inbox, ({ number }) => event.numbers.includes(number))
    case 'in_room':
      // What is read there is read here.
      return read(inbox, ({ of }) => {
        const place = placeOf(of)
        return place !== undefined && sameUuid(place.room, event.room.room) && place.seq <= event.room.read
      })
    case 'wanted':
      return { ...inbox, unwanted: [...inbox.unwanted.filter((topic) => topic !== event.topic), ...(event.wanted ? [] : [event.topic])] }
    default:
      return inbox
  }
}
