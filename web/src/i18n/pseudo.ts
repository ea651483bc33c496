// English made two fifths longer, to see what breaks before a translator does.

import { en as appEn } from './app-en'
import { en as coachEn } from './coach-en'
import { en } from './en'
import { en as filmEn } from './film-en'
import { en as roomEn } from './room-en'
import type { AppMessages, CoachMessages, FilmMessages, Messages, RoomMessages } from './messages'

function longer(text: string): string {
  return text ? `[${text}${'~'.repeat(Math.ceil(text.length * 0.4))}]` : text
}

function pseudoOf(value: unknown): unknown {
  if (typeof value === 'string') return longer(value)
  if (typeof value === 'function') return (...args: unknown[]) => longer((value as (...args: unknown[]) => string)(...args))
  if (Array.isArray(value)) return value.map(pseudoOf)
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, pseudoOf(each)]))
}

export const pseudo = pseudoOf(en) as Messages
export const appPseudo = pseudoOf(appEn) as AppMessages
export const coachPseudo = pseudoOf(coachEn) as CoachMessages
export const filmPseudo = pseudoOf(filmEn) as FilmMessages
export const roomPseudo = pseudoOf(roomEn) as RoomMessages
