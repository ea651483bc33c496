// The shape of a catalogue, taken from the Russian one: a missing or a foreign key does not compile.

import type { ru as appRu } from './app-ru'
import type { ru as coachRu } from './coach-ru'
import type { ru as filmRu } from './film-ru'
import type { ru as roomRu } from './room-ru'
import type { ru } from './ru'

type Widened<T> = T extends string
  ? string
  : T extends (...args: never[]) => string
    ? T
    : T extends readonly string[]
      ? { readonly [K in keyof T]: string }
      : { readonly [K in keyof T]: Widened<T[K]> }

export type Messages = Widened<typeof ru>
export type AppMessages = Widened<typeof appRu>
export type CoachMessages = Widened<typeof coachRu>
export type FilmMessages = Widened<typeof filmRu>
export type RoomMessages = Widened<typeof roomRu>
