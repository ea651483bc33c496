// The languages of the pages. One catalogue each, loaded alone; `ru.ts` is the shape that the others must fill.

import type { AppMessages, CoachMessages, Messages, RoomMessages } from './messages'

export type Locale = 'ru' | 'en' | 'pseudo'
/** What one can choose; `pseudo` is for tests of long texts, by `?lang=pseudo`. */
export const LOCALES = ['ru', 'en'] as const
const KEY = 'fitconnect.lang'

const CATALOGUES: Record<Locale, () => Promise<Messages>> = {
  ru: () => import('./ru').then((module) => module.ru),
  en: () => import('./en').then((module) => module.en),
  pseudo: () => import('./pseudo').then((module) => module.pseudo),
}

/** Words of the member's pages alone. */
const APP: Record<Locale, () => Promise<AppMessages>> = {
  ru: () => import('./app-ru').then((module) => module.ru),
  en: () => import('./app-en').then((module) => module.en),
  pseudo: () => import('./pseudo').then((module) => module.appPseudo),
}

/** Words of the trainer's desk alone. */
const COACH: Record<Locale, () => Promise<CoachMessages>> = {
  ru: () => import('./coach-ru').then((module) => module.ru),
  en: () => import('./coach-en').then((module) => module.en),
  pseudo: () => import('./pseudo').then((module) => module.coachPseudo),
}

/** Words of rooms, for whatever page shows one. */
const ROOM: Record<Locale, () => Promise<RoomMessages>> = {
  ru: () => import('./room-ru').then((module) => module.ru),
  en: () => import('./room-en').then((module) => module.en),
  pseudo: () => import('./pseudo').then((module) => module.roomPseudo),
}

function isLocale(text: string | null | undefined): text is Locale {
  return text === 'ru' || text === 'en' || text === 'pseudo'
}

/** `?lang=`, else what was chosen here before, else the browser's wish, else Russian. */
export function pickLocale(search: string, kept: string | null, wishes: readonly string[]): Locale {
  const asked = new URLSearchParams(search).get('lang')
  if (isLocale(asked)) return asked
  if (isLocale(kept)) return kept
  const wish = wishes.map((each) => each.slice(0, 2).toLowerCase()).find(isLocale)
  return wish ?? 'ru'
}

export function startLocale(): Locale {
  return pickLocale(location.search, localStorage.getItem(KEY), navigator.languages)
}

export function keepLocale(locale: Locale): void {
  localStorage.setItem(KEY, locale)
}

export function loadMessages(locale: Locale): Promise<Messages> {
  return CATALOGUES[locale]()
}

export function loadAppMessages(locale: Locale): Promise<AppMessages> {
  return APP[locale]()
}

export function loadCoachMessages(locale: Locale): Promise<CoachMessages> {
  return COACH[locale]()
}

export function loadRoomMessages(locale: Locale): Promise<RoomMessages> {
  return ROOM[locale]()
}

/** The language tag for `lang` and `Intl`. */
export function tagOf(locale: Locale): string {
  return locale === 'pseudo' ? 'en' : locale
}
