// Changes that must happen even where the link is away or the page is closed before the answer: each is kept with its `cmd`, and sent
// again by this page or the next. Under the same `cmd` it happens once.

import { newCmd, uuidText } from '../proto/ids'
import type { Request, Response } from '../proto/protocol'
import { Refused } from './calls'
import { db } from './db'
import type { Socket } from './socket'

export type Action = Extract<Request, { t: 'class' } | { t: 'user' }>

interface Kept {
  body: Action
  madeAt: number
  user: string
}

/** The server knows a `cmd` for a day; a little less, because clocks differ. */
const AGE_MS_MAX = 23 * 3_600_000
const KEPT_MAX = 100

export class Actions {
  private readonly pending = new Map<string, Kept>()
  private readonly watchers = new Set<(count: number) => void>()

  constructor(
    private readonly socket: Socket,
    private readonly user: string,
  ) {}

  /** Sends what earlier pages left, oldest first. */
  async start(): Promise<void> {
    const left = (await db.all<Kept>('actions')).filter((each) => each.user === this.user)
    left.sort((a, b) => a.madeAt - b.madeAt)
    for (const kept of left) {
      const key = uuidText(kept.body.cmd)
      if (this.socket.clock.now() - kept.madeAt > AGE_MS_MAX) void db.drop('actions', [key]).catch(() => {})
      else void this.send(key, kept).catch((error) => console.warn('an earlier action was refused', error))
    }
  }

  watch(watcher: (count: number) => void): () => void {
    this.watchers.add(watcher)
    watcher(this.pending.size)
    return () => this.watchers.delete(watcher)
  }

  /** Resolves when it has happened, however long the link is away; rejects with `Refused` where the server says no. */
  do(make: (cmd: Uint8Array) => Action): Promise<Response> {
    if (this.pending.size >= KEPT_MAX) return Promise.reject(new Error('too many actions wait for a link'))
    const madeAt = this.socket.clock.now()
    const kept: Kept = { body: structuredClone(make(newCmd(madeAt))), madeAt, user: this.user }
    const key = uuidText(kept.body.cmd)
    void db.put('actions', key, kept).catch(() => {})
    return this.send(key, kept)
  }

  private async send(key: string, kept: Kept): Promise<Response> {
    this.pending.set(key, kept)
    this.tell()
    try {
      const answer = await this.socket.repeat(kept.body)
      this.done(key)
      return answer
    } catch (error) {
      // Refused for good; where the page ended first, the next one asks again.
      if (error instanceof Refused) this.done(key)
      throw error
    }
  }

  private done(key: string): void {
    this.pending.delete(key)
    void db.drop('actions', [key]).catch(() => {})
    this.tell()
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher(this.pending.size)
  }
}
