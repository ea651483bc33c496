// The words of rooms: loaded with the first page that shows one.

import { loadRoomMessages } from '../../i18n'
import type { RoomMessages } from '../../i18n/messages'
import { localeNow, speakToo } from '../../i18n/state.svelte'
import { currentLogin } from '../../net/auth'
import type { Message, OwnRoom } from '../../proto/protocol'

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
export function lineOf({ text, picture, deleted_by }: Pick<Message, 'text'> & { picture?: unknown; deleted_by?: unknown }): string {
  if (deleted_by) return r().deleted
  return picture ? (text ? `${r().picture.word}: ${text}` : r().picture.word) : text
}

/** Why something was refused, in words. */
export function whyRoom(code: string): string {
  const { other, ...known } = r().refusals
  return code in known ? known[code as keyof typeof known] : other(code)
}

/** Trainers and administrators. */
export const isStaff = ['trainer', 'admin'].includes(currentLogin()?.role ?? '')

/** What a room of one's own is called: the gym's, and a member's front desk, by what they are. */
export function nameOf(own: Pick<OwnRoom, 'kind' | 'name'> | undefined): string {
  if (own?.kind === 'gym' || (own?.kind === 'support' && !isStaff)) return r().kinds[own.kind]
  return own?.name || r().kinds[own?.kind ?? 'team']
}
