// The words of rooms: loaded with the first page that shows one.

import { loadRoomMessages } from '../../i18n'
import type { RoomMessages } from '../../i18n/messages'
import { localeNow, speakToo } from '../../i18n/state.svelte'
import type { Message } from '../../proto/protocol'

let messages = $state.raw<RoomMessages>()

async function load(next: Parameters<typeof loadRoomMessages>[0]): Promise<() => void> {
  const loaded = await loadRoomMessages(next)
  return () => void (messages = loaded)
}

speakToo(load)
const show = await load(localeNow())
show()

export const r = (): RoomMessages => messages!

/** A message in a line of words. */
export function lineOf({ text, picture, deleted_by }: Pick<Message, 'text' | 'picture' | 'deleted_by'>): string {
  if (deleted_by) return r().deleted
  return picture ? (text ? `${r().picture.word}: ${text}` : r().picture.word) : text
}

/** Why something was refused, in words. */
export function whyRoom(code: string): string {
  const { other, ...known } = r().refusals
  return code in known ? known[code as keyof typeof known] : other(code)
}
