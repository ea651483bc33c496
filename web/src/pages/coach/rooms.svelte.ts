// The rooms of staff: those that one is in, with what one has read of them on any device, and what members ask the front desk. Made once, over
// the page's one socket.

import { currentLogin } from '../../net/auth'
import { browserPosts } from '../../net/keep'
import type { UserEvent, UserSnapshot } from '../../proto/protocol'
import { Rooms } from '../../ui/room/rooms.svelte'
import { socket } from '../../ui/session.svelte'
import { FrontDesk } from './front-desk.svelte'

const login = currentLogin()
export const isStaff = login?.role === 'trainer' || login?.role === 'admin'

export const rooms = new Rooms(socket, login?.user ?? '', browserPosts, localStorage, true)
export const frontDesk = new FrontDesk(rooms)

let me = $state.raw<UserSnapshot>()
export const meNow = () => me

/** What is unread, and what nobody has answered. */
export const waiting = () => rooms.unread + rooms.waitsAlone + frontDesk.waiting

/** For as long as the page is there. */
export function startRooms(): void {
  socket.follow('user:me', {
    snapshot(snapshot) {
      if (snapshot.t !== 'user') return
      me = snapshot
      rooms.begin(snapshot)
    },
    event: (event) => rooms.heard(event as UserEvent),
  })
  // What an earlier page could not send goes out once.
  void rooms.posts.start()
  if (isStaff) frontDesk.start()
}
