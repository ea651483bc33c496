// With whom one may have a chat, over HTTP: people of the gym, teams that one may join, members who ask the front desk.

import type { Asked } from '../room/front-desk'
import { call } from './api'

/** People of the gym by the beginnings of their names. */
export interface People {
  people: { user: string; name: string }[]
  more: boolean
}

/** `next` is where the next page begins. */
export interface GymRooms {
  rooms: Asked[]
  next?: string
}

/** `support` is for staff; of teams those that anybody of the gym may join. `q`: beginnings of words of the name. */
export function gymRooms(token: string, kind: 'support' | 'team', { q, after }: { q?: string; after?: string } = {}): Promise<GymRooms> {
  const asked = Object.entries({ kind, q, after }).flatMap(([key, value]) => (value ? [[key, value]] : []))
  return call('GET', `/v1/rooms?${new URLSearchParams(asked)}`, { token })
}

export const people = (token: string, name: string): Promise<People> => call('GET', `/v1/people?q=${encodeURIComponent(name)}`, { token })
