// Addresses in a message: where they begin and end in its words. Only those of the web, written out with their scheme.

/** Longer ones are not for people: they stay text. */
export const ADDRESS_MAX = 2_000
/** Up to a space, a quotation mark, or what nobody sees. */
const ADDRESS = /https?:\/\/[^\s"<>\p{C}]+/giu
const WORD = /[\p{L}\p{N}_]$/u
/** What closes a sentence. */
const CLOSES = /[.,:;!?'…»”’]$/u
const BRACKETS: Record<string, string> = { ')': '(', ']': '[', '}': '{' }

export interface Address {
  from: number
  to: number
}

export function linksIn(text: string): Address[] {
  const found: Address[] = []
  for (const { 0: raw, index: from } of text.matchAll(ADDRESS)) {
    const address = trimmed(raw)
    if (!WORD.test(text.slice(Math.max(0, from - 2), from)) && leads(address)) found.push({ from, to: from + address.length })
  }
  return found
}

function trimmed(address: string): string {
  const last = address.at(-1)!
  const opens = BRACKETS[last]
  const count = (of: string) => address.split(of).length
  return CLOSES.test(address) || (opens && count(last) > count(opens)) ? trimmed(address.slice(0, -1)) : address
}

/** It can be read, and leads where it says: no name of somebody stands before an `@`. */
function leads(address: string): boolean {
  if (address.length > ADDRESS_MAX) return false
  try {
    const { hostname, username, password } = new URL(address)
    return /[\p{L}\p{N}]/u.test(hostname) && !username && !password
  } catch {
    return false
  }
}
