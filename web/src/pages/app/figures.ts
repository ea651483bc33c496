// Small sums that several places show.

import { uuidText } from '../../proto/ids'
import type { MemberSummary } from '../../proto/protocol'

/** The class of a summary: bytes on the socket, text over HTTP. */
export function idOf(summary: MemberSummary): string {
  const id = summary.class as Uint8Array | string
  return typeof id === 'string' ? id : uuidText(id)
}

/** The newest version of each class, newest class first. */
export function newestOf(summaries: readonly MemberSummary[]): MemberSummary[] {
  const best = new Map<string, MemberSummary>()
  for (const each of summaries) {
    const known = best.get(idOf(each))
    if (!known || known.version < each.version) best.set(idOf(each), each)
  }
  return [...best.values()].sort((a, b) => b.from - a.from)
}
