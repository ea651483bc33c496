// The gym's list of what it does not want to read, over HTTP.

import type { OnWords } from '../proto/protocol'
import { call } from './api'

export interface Lexicon {
  on_words: OnWords
  words: string[]
}

export const lexicon = (token: string): Promise<Lexicon> => call('GET', '/v1/words', { token })
export const setLexicon = (token: string, on_words: OnWords, words: string[]): Promise<Lexicon> => call('PUT', '/v1/words', { token, body: { on_words, words } })
