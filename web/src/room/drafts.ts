// What one has begun to write, a text for each room, over reloads.

const ROOMS_MAX = 50

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

  /** The newest first; beyond the bound the oldest are forgotten. An empty text is none. */
  keep(room: string, text: string): void {
    const others = this.all().filter(([id]) => id !== room)
    const all = text.trim() ? [[room, text], ...others] : others
    try {
      this.storage.setItem(this.key, JSON.stringify(all.slice(0, ROOMS_MAX)))
    } catch {
      // A full storage: the text stands in its field all the same.
    }
  }

  private all(): [string, string][] {
    try {
      const kept: unknown = JSON.parse(this.storage.getItem(this.key) ?? '[]')
      return Array.isArray(kept) ? kept.filter((each) => Array.isArray(each) && typeof each[0] === 'string' && typeof each[1] === 'string') : []
    } catch {
      return []
    }
  }
}
