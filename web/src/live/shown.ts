// Whose rows of a board this person's pages show. Who hides nobody sees all of them and asks nothing; for the others the server says which
// rows are left out, and nobody new is shown before it has.

import type { Response } from '../proto/protocol'
import type { Person } from './tile-model'

/** People come one after the other: they are asked for together. */
const ASK_MS = 150
/** The server could not say, or the question was not one for it: again after so long, for as long as the board is looked at. */
const AGAIN_MS = 5_000

export class Shown {
  /** By the last answer: who is shown, under which name. None: all. */
  private names?: ReadonlyMap<number, string>
  private timer?: ReturnType<typeof setTimeout>
  private asked = 0

  constructor(
    private readonly people: ReadonlyMap<number, Person>,
    private readonly ask: () => Promise<Response>,
    private readonly changed: () => void,
  ) {}

  has(slot: number): boolean {
    return this.names === undefined || this.names.get(slot) === this.people.get(slot)?.name
  }

  /** People have come or changed, or whom one hides. */
  look(hides: boolean): void {
    if (!hides) {
      this.stop()
      this.names = undefined
      return this.changed()
    }
    this.names ??= new Map()
    this.soon(ASK_MS)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.asked++
  }

  private soon(wait: number): void {
    this.timer ??= setTimeout(() => void this.learn(), wait)
  }

  private async learn(): Promise<void> {
    this.timer = undefined
    const [mine, names] = [++this.asked, new Map([...this.people].map(([slot, { name }]) => [slot, name]))]
    const answer = await this.ask().catch(() => undefined)
    if (mine !== this.asked) return
    if (answer?.t !== 'hidden') return this.soon(AGAIN_MS)
    for (const slot of answer.slots) names.delete(slot)
    this.names = names
    this.changed()
  }
}
