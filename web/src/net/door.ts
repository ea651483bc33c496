// What one sees of a room before one is in it.

import type { JoinRule, RoomKind } from '../proto/protocol'
import { call } from './api'

export interface Door {
  room: string
  kind: RoomKind
  name: string
  join: JoinRule
}

export const doorOf = (token: string, room: string): Promise<Door> => call('GET', `/v1/rooms/${room}`, { token })
