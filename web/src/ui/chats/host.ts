// What the pages that show chats give to them: the member's and the trainer's are alike but for where they lie.

import type { UserSnapshot } from '../../proto/protocol'
import type { Rooms } from '../room/rooms.svelte'

export interface Host {
  rooms: Rooms
  /** `/app` or `/coach`. */
  base: string
  /** None before the server has spoken. */
  me: () => Pick<UserSnapshot, 'gym' | 'name'> | undefined
  /** To a path, base and all. */
  go: (to: string) => void
  /** The number of the message that one came for. */
  message: () => string | null | undefined
}
