// Which class a page shows, as its address says it: `?class=<id>`.

import { isUuid } from '../proto/ids'

/** None where the address names none, or what it names is no id. */
export function askedClass(): string | undefined {
  const id = new URLSearchParams(location.search).get('class')
  return id && isUuid(id) ? id.toLowerCase() : undefined
}

/** Makes the address say it, so that a reload and the browser's Back find it. */
export function nameClass(id: string | undefined): void {
  const url = new URL(location.href)
  if (id) url.searchParams.set('class', id)
  else url.searchParams.delete('class')
  history.pushState(null, '', url)
}
