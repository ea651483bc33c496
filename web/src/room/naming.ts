// Names that the server knows for what one types after an `@`: of a large room the page does not know everybody.

import type { Mention } from '../proto/protocol'
import { typedName } from './mentions'

/** Letters are typed faster than names are found. */
const FIND_MS = 200
/** One letter means half of the gym. */
const LETTERS_MIN = 2

export class Naming {
  found: readonly Mention[] = []
  /** The newest question: what answers an earlier one is not wanted any more. */
  private newest = 0
  private timer?: ReturnType<typeof setTimeout>

  /** `came`: there are others now. */
  constructor(
    private readonly find: (q: string) => Promise<Mention[]>,
    private readonly came: () => void,
  ) {}

  /** What stands before the caret. */
  typed(before: string): void {
    this.stop()
    const q = typedName(before)?.trim() ?? ''
    if ([...q].length >= LETTERS_MIN) this.timer = setTimeout(() => void this.ask(q), FIND_MS)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.newest++
  }

  private async ask(q: string): Promise<void> {
    const mine = this.newest
    // Without an answer those are offered whom the page knows.
    const found = await this.find(q).catch(() => [])
    if (mine !== this.newest) return
    this.found = found
    this.came()
  }
}
