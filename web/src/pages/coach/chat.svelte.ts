// The rooms of the desk: only the one of the class that is led, with what one has read of it on any device.

import { currentLogin } from '../../net/auth'
import { browserPosts } from '../../net/keep'
import type { UserEvent } from '../../proto/protocol'
import { Rooms } from '../../ui/room/rooms.svelte'
import { socket } from '../../ui/session.svelte'

export const rooms = new Rooms(socket, currentLogin()?.user ?? '', browserPosts, localStorage, false)

/** For as long as a desk is open. */
export function followChat(id: string): () => void {
  const stop = socket.follow('user:me', {
    snapshot: (snapshot) => snapshot.t === 'user' && rooms.begin(snapshot),
    event: (event) => rooms.heard(event as UserEvent),
  })
  rooms.open(id)
  void start()
  return () => {
    stop()
    rooms.close(id)
  }
}

let started: Promise<void> | undefined
/** What an earlier page could not send goes out once. */
const start = () => (started ??= rooms.posts.start())
