// What one answers without words.

import type { Message, Reaction, Toggle } from '../proto/protocol'
import { sameUuid } from '../proto/ids'

/** In the order in which they are offered. */
export const EMOJI: Readonly<Record<Reaction, string>> = { thumb: '👍', heart: '❤️', laugh: '😂', fire: '🔥', strong: '💪', clap: '👏' }
export const REACTIONS = Object.keys(EMOJI) as Reaction[]

export interface ReactionShown {
  reaction: Reaction
  count: number
  mine: boolean
}

/** A message with this reaction, or without it; the same message where it is so already. */
export function reacted(message: Message, { by, reaction, on }: Toggle): Message {
  const known = message.reactions ?? []
  const has = known.some((each) => each.reaction === reaction && each.by.some((user) => sameUuid(user, by)))
  if (message.deleted_by || has === on) return message
  if (!on) {
    const left = known.map((each) => (each.reaction === reaction ? { ...each, by: each.by.filter((user) => !sameUuid(user, by)) } : each))
    return { ...message, reactions: left.filter((each) => each.by.length > 0) }
  }
  const there = known.some((each) => each.reaction === reaction)
  const reactions = there ? known.map((each) => (each.reaction === reaction ? { ...each, by: [...each.by, by] } : each)) : [...known, { reaction, by: [by] }]
  return { ...message, reactions }
}

/** What is shown under a message: nothing of people of whom nothing is shown. */
export function reactionsOf({ reactions = [] }: Message, me: Uint8Array, hides: (user: Uint8Array) => boolean): ReactionShown[] {
  const shown = reactions.map(({ reaction, by }) => {
    const seen = by.filter((user) => !hides(user))
    return { reaction, count: seen.length, mine: seen.some((user) => sameUuid(user, me)) }
  })
  return shown.filter((each) => each.count > 0)
}
