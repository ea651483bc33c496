// What one has begun to write, a text for each room, and whom one chose for a name in it, over reloads.

const ROOMS_MAX = 50

type Draft = [room: string, text: string, besides?: unknown]

export class Drafts {
  private readonly key: string

  constructor(
    user: string,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'>,
  ) {
    this.key = `fitconnect.drafts.${user}`
  }

  of(room: string): string {
    return this.all().find(([id]) => id === room)?.[1] ?? ''
  }

  /** What was kept with the text. */
  besides(room: string): unknown[] {
    const kept = this.all().find(([id]) => id === room)?.[2]
    return Array.isArray(kept) ? kept : []
  }

  /** The newest first; beyond the bound the oldest are forgotten. An empty text is none. */
  keep(room: string, text: string, besides?: unknown[]): void {
    const others = this.all().filter(([id]) => id !== room)
    const all = text.trim() ? [[room, text, besides], ...others] : others
    try {
      this.storage.setItem(this.key, JSON.stringify(all.slice(0, ROOMS_MAX)))
    } catch {
      // A full storage: the text stands in its field all the same.
    }
  }

  private all(): Draft[] {
    try {
      const kept: unknown = JSON.parse(this.storage.getItem(this.key) ?? '[]')
      return Array.isArray(kept) ? kept.filter((each) => Array.isArray(each) && typeof each[0] === 'string' && typeof each[1] === 'string') : []
    } catch {
      return []
    }
  }
}
