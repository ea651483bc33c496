// Messages on their way: each is kept with its `cmd` until the server has numbered it, over lost links and reloads, so it is posted once.
// Of one room one is under way at a time: what is written first is read first.

import { newCmd, uuidBytes, uuidText } from '../proto/ids'
import type { Request } from '../proto/protocol'
import { Disconnected, Refused } from '../net/calls'
import type { Socket } from '../net/socket'
import type { RoomFeed } from './feed'

/** What goes with the words of a message. */
export interface Aside {
  readonly replyTo?: number
  /** Ids of those whom the words name. */
  readonly mentions?: readonly string[]
  /** A picture that was sent before. */
  readonly picture?: { readonly image: string; readonly width: number; readonly height: number }
}

export interface Post extends Aside {
  /** Its `cmd` as text. */
  readonly key: string
  readonly room: string
  readonly text: string
  /** By the server's clock. */
  readonly madeAt: number
  readonly state: 'waiting' | 'sent' | 'failed'
  /** Its number in the room, once it is sent. */
  readonly seq?: number
  /** Why it failed: a code of the protocol, or `timeout`. */
  readonly code?: string
}

export interface KeptPost extends Omit<Post, 'state'> {
  user: string
  /** Its place among all that this browser has posted. */
  nth: number
}

/** Where they outlive the page. */
export interface PostKeep {
  load(): Promise<KeptPost[]>
  put(post: KeptPost): void
  drop(key: string): void
}

/** More than a person writes before a link is back. */
export const POSTS_MAX = 100
/** The server knows a `cmd` for a day; a little less, because clocks differ. */
const AGE_MS_MAX = 23 * 3_600_000
/** A `cmd` that the server will never take: what is tried again needs another. */
const USED_UP = ['cmd_expired', 'cmd_mismatch']

export class Posts {
  private all: Post[] = []
  private readonly places = new Map<string, number>()
  private readonly busy = new Set<string>()
  private readonly watchers = new Set<(all: readonly Post[]) => void>()
  private next = 0

  constructor(
    private readonly socket: Socket,
    private readonly user: string,
    private readonly keep: PostKeep,
  ) {}

  /** Goes on with what earlier pages left. */
  async start(): Promise<void> {
    const kept = (await this.keep.load()).filter((each) => each.user === this.user)
    kept.sort((a, b) => a.nth - b.nth)
    const now = this.socket.clock.now()
    const left = kept.map(({ user: _, nth, ...post }): Post => {
      this.places.set(post.key, nth)
      const code = post.code ?? (now - post.madeAt > AGE_MS_MAX ? 'cmd_expired' : undefined)
      return { ...post, code, state: code ? 'failed' : 'waiting' }
    })
    // What was written while the database opened comes behind it.
    this.all = [...left, ...this.all]
    this.next = Math.max(this.next, ...kept.map((each) => each.nth + 1))
    this.tell()
    for (const room of new Set(left.map((each) => each.room))) void this.pump(room)
  }

  watch(watcher: (all: readonly Post[]) => void): () => void {
    this.watchers.add(watcher)
    watcher(this.all)
    return () => this.watchers.delete(watcher)
  }

  /** False where too many wait already. */
  post(room: string, text: string, aside: Aside = {}): boolean {
    if (this.all.length >= POSTS_MAX) return false
    const madeAt = this.socket.clock.now()
    this.add({ key: uuidText(newCmd(madeAt)), room, text, ...aside, madeAt, state: 'waiting' })
    return true
  }

  /** Once more what failed: under the same `cmd`, so that it happens once even where it did not fail. */
  retry(key: string): void {
    const post = this.all.find((each) => each.key === key && each.state === 'failed')
    if (!post) return
    if (!USED_UP.includes(post.code ?? '')) {
      this.change({ ...post, state: 'waiting', code: undefined })
      return void this.pump(post.room)
    }
    this.discard(key)
    this.post(post.room, post.text, { replyTo: post.replyTo, mentions: post.mentions, picture: post.picture })
  }

  /** What failed is not wanted any more. */
  discard(key: string): void {
    this.all = this.all.filter((each) => each.key !== key || each.state === 'waiting')
    if (!this.all.some((each) => each.key === key)) this.forget(key)
    this.tell()
  }

  /** What this feed has of the room is there as everybody sees it, whatever was answered: what was held may have been let through since. */
  told(room: string, feed: Pick<RoomFeed, 'newest' | 'has'>): void {
    const came = this.all.filter((each) => each.room === room && ((each.state === 'sent' && each.seq! <= feed.newest) || feed.has(each.key)))
    if (!came.length) return
    this.all = this.all.filter((each) => !came.includes(each))
    for (const { key } of came) this.forget(key)
    this.tell()
  }

  private add(post: Post): void {
    this.all = [...this.all, post]
    this.places.set(post.key, this.next++)
    this.store(post)
    this.tell()
    void this.pump(post.room)
  }

  /** One after the other, the oldest first. */
  private async pump(room: string): Promise<void> {
    if (this.busy.has(room)) return
    this.busy.add(room)
    for (;;) {
      const post = this.all.find((each) => each.room === room && each.state === 'waiting')
      if (!post || !(await this.send(post))) break
    }
    this.busy.delete(room)
  }

  /** False where the page's link has ended for good: the next page goes on. */
  private async send(post: Post): Promise<boolean> {
    const { key, room, text, replyTo, mentions, picture } = post
    const body: Request = { t: 'room', room: uuidBytes(room), cmd: uuidBytes(key), act: { t: 'post', text, reply_to: replyTo, mentions: mentions?.map(uuidBytes), image: picture && uuidBytes(picture.image) } }
    let answer
    try {
      answer = await this.socket.repeat(body)
    } catch (error) {
      if (error instanceof Disconnected) return false
      this.change({ ...post, state: 'failed', code: error instanceof Refused ? error.refusal.code : 'timeout' })
      return true
    }
    this.change({ ...post, state: 'sent', seq: answer.t === 'numbered' ? answer.seq : 0 })
    this.forget(key)
    return true
  }

  private change(post: Post): void {
    // Its message has come meanwhile.
    if (!this.places.has(post.key)) return
    this.all = this.all.map((each) => (each.key === post.key ? post : each))
    if (post.state !== 'sent') this.store(post)
    this.tell()
  }

  private store({ state: _, ...post }: Post): void {
    this.keep.put({ ...post, user: this.user, nth: this.places.get(post.key)! })
  }

  private forget(key: string): void {
    this.places.delete(key)
    this.keep.drop(key)
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher(this.all)
  }
}
