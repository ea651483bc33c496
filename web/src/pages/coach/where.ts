// Which place of the trainer's pages an address is.

import { isUuid } from '../../proto/ids'

export interface Where {
  place: 'desk' | 'chats' | 'inbox'
  room?: string
  /** Of the room, the one that one came for. */
  message?: string
  class?: string
}

/** What is no place is the desk's. */
export function whereIs(path: string, query: string): Where {
  const [, place, room] = /^\/coach\/(chats|inbox)(?:\/([^/]+))?\/?$/.exec(path) ?? []
  const search = new URLSearchParams(query)
  if (place === 'chats') return { place, room, message: search.get('m') ?? undefined }
  if (place === 'inbox' && !room) return { place }
  const id = search.get('class')
  return { place: 'desk', class: id && isUuid(id) ? id.toLowerCase() : undefined }
}
