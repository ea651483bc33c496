// The words of the trainer's desk: `w()` beside the common `t()`.

import { loadCoachMessages } from '../../i18n'
import type { CoachMessages } from '../../i18n/messages'
import { speakToo } from '../../i18n/state.svelte'

let messages = $state.raw<CoachMessages>()

speakToo(async (next) => {
  const loaded = await loadCoachMessages(next)
  return () => void (messages = loaded)
})

export const w = (): CoachMessages => messages!

/** Why something was refused, in words. */
export function whyText(code: string): string {
  const { other, ...known } = w().refusals
  return code in known ? known[code as keyof typeof known] : other(code)
}
