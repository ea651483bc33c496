// The words of the member's pages: `w()` beside the common `t()`.

import { loadAppMessages } from '../../i18n'
import type { AppMessages } from '../../i18n/messages'
import { speakToo } from '../../i18n/state.svelte'

let messages = $state.raw<AppMessages>()

speakToo(async (next) => {
  const loaded = await loadAppMessages(next)
  return () => void (messages = loaded)
})

export const w = (): AppMessages => messages!

/** Why something was refused, in words. */
export function whyText(code: string): string {
  const { other, ...known } = w().refusals
  return code in known ? known[code as keyof typeof known] : other(code)
}
