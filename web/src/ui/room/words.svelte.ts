// The words of rooms: loaded with the first page that shows one.

import { loadRoomMessages } from '../../i18n'
import type { RoomMessages } from '../../i18n/messages'
import { localeNow, speakToo } from '../../i18n/state.svelte'

let messages = $state.raw<RoomMessages>()

async function load(next: Parameters<typeof loadRoomMessages>[0]): Promise<() => void> {
  const loaded = await loadRoomMessages(next)
  return () => void (messages = loaded)
}

speakToo(load)
const show = await load(localeNow())
show()

export const r = (): RoomMessages => messages!

/** Why something was refused, in words. */
export function whyRoom(code: string): string {
  const { other, ...known } = r().refusals
  return code in known ? known[code as keyof typeof known] : other(code)
}
