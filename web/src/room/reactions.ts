// What one answers without words.

import type { Message, Reaction } from '../proto/protocol'
import { sameUuid } from '../proto/ids'

/** In the order in which they are offered. */
export const EMOJI: Readonly<Record<Reaction, string>> = { thumb: '👍', heart: '❤️', laugh: '😂', fire: '🔥', strong: '💪', clap: '👏' }
export const REACTIONS = Object.keys(EMOJI) as Reaction[]

export interface ReactionShown {
  reaction: Reaction
  count: number
  mine: boolean
}

/** What is shown under a message: nothing of people of whom nothing is shown. */
export function reactionsOf({ reactions = [] }: Message, me: Uint8Array, hides: (user: Uint8Array) => boolean): ReactionShown[] {
  const shown = reactions.map(({ reaction, by }) => {
    const seen = by.filter((user) => !hides(user))
    return { reaction, count: seen.length, mine: seen.some((user) => sameUuid(user, me)) }
  })
  return shown.filter((each) => each.count > 0)
}
