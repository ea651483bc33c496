// The page's present language for components: `t()` is the catalogue, and changes with the choice.

import { keepLocale, loadMessages, type Locale, startLocale, tagOf } from './index'
import type { Messages } from './messages'

let messages = $state.raw<Messages>()
let locale = $state<Locale>('ru')

export const t = (): Messages => messages!
export const localeNow = (): Locale => locale

async function use(next: Locale): Promise<void> {
  messages = await loadMessages(next)
  locale = next
  document.documentElement.lang = tagOf(next)
}

/** Before the first component: there is nothing to show without words. */
export function startLanguage(): Promise<void> {
  return use(startLocale())
}

export function chooseLanguage(next: Locale): Promise<void> {
  keepLocale(next)
  return use(next)
}
