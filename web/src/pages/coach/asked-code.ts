// The code of a screen that waits to be paired, as its QR code puts it in the address: `?pair=<six digits>`.

import { CODE_DIGITS, cleanCode } from '../../net/pairing'

export function askedCode(): string | undefined {
  const code = cleanCode(new URLSearchParams(location.search).get('pair') ?? '')
  return code.length === CODE_DIGITS ? code : undefined
}

/** A code is good once: a reload must not ask for it again. */
export function forgetCode(): void {
  const url = new URL(location.href)
  if (!url.searchParams.has('pair')) return
  url.searchParams.delete('pair')
  history.replaceState(null, '', url)
}
