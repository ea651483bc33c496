// The words of looking back: loaded with the first film.

import type { Locale } from '../../i18n'
import type { FilmMessages } from '../../i18n/messages'
import { localeNow, speakToo } from '../../i18n/state.svelte'

const CATALOGUES: Record<Locale, () => Promise<FilmMessages>> = {
  ru: () => import('../../i18n/film-ru').then((module) => module.ru),
  en: () => import('../../i18n/film-en').then((module) => module.en),
  pseudo: () => import('../../i18n/pseudo').then((module) => module.filmPseudo),
}

let messages = $state.raw<FilmMessages>()

async function load(next: Locale): Promise<() => void> {
  const loaded = await CATALOGUES[next]()
  return () => void (messages = loaded)
}

speakToo(load)
const show = await load(localeNow())
show()

export const f = (): FilmMessages => messages!
