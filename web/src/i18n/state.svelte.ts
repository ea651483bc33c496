// The page's present language for components: `t()` is the catalogue, and changes with the choice.

import { keepLocale, loadMessages, type Locale, startLocale, tagOf } from './index'
import type { Messages } from './messages'

let messages = $state.raw<Messages>()
let locale = $state<Locale>('ru')

export const t = (): Messages => messages!
export const localeNow = (): Locale => locale

/** What else speaks: catalogues of single pages, loaded along with the common one. */
const others: ((next: Locale) => Promise<() => void>)[] = []

async function use(next: Locale): Promise<void> {
  const [common, ...shows] = await Promise.all([loadMessages(next), ...others.map((load) => load(next))])
  messages = common
  for (const show of shows) show()
  locale = next
  document.documentElement.lang = tagOf(next)
}

/** Before the first component: there is nothing to show without words. */
export function startLanguage(): Promise<void> {
  return use(startLocale())
}

/** Before `startLanguage`: a catalogue that changes with the common one. `load` answers how to show it. */
export function speakToo(load: (next: Locale) => Promise<() => void>): void {
  others.push(load)
}

export function chooseLanguage(next: Locale): Promise<void> {
  keepLocale(next)
  return use(next)
}
