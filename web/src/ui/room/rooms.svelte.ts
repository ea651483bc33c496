// The rooms of this page as state: which one is in, what is unread there, what waits to be sent. Made once, over the page's one socket.

import { localNow } from '../../net/clock'
import type { Socket } from '../../net/socket'
import { sameUuid, uuidBytes, uuidText } from '../../proto/ids'
import type { Hidden, Message, Notice, NoticeTopic, OwnRoom, Presence, Refusal, Response, RoomCommand, UserEvent, UserSnapshot } from '../../proto/protocol'
import { Drafts } from '../../room/drafts'
import { RoomFeed } from '../../room/feed'
import { byOf, EMPTY, type Inbox, inboxAfter, placeOf } from '../../room/inbox'
import { type Unread, unreadOf } from '../../room/messages'
import { type Post, type PostKeep, Posts } from '../../room/posts'
import { type Far, Presences, type There } from '../../room/presence'
import type { Typing } from '../../room/typing'

/** In a lively room the mark goes out so often at most; in one of many, where each mark of everybody is written, more seldom. */
const READ_EVERY_MS = 1_000
const READ_EVERY_MS_OF_MANY = 10_000
const MANY = 100
/** What arrives together is said together. */
const GOT_AFTER_MS = 300

/** What `user:me` says that is shown here, and kept for the next page. */
type Kept = Pick<UserSnapshot, 'rooms' | 'hidden' | 'inbox' | 'unwanted' | 'unseen'>

/** One room: its feed, and a number that rises with each change of it. */
export class RoomState {
  private changes = $state(0)
  refusal = $state.raw<Refusal>()
  /** Up to which number one has read it, on any device; none where one is not in it. */
  read = $state<number>()
  own = $state.raw<OwnRoom>()
  readonly feed: RoomFeed
  /** Hears each message of others when it comes; `unread` is what there was before. */
  readonly watchers = new Set<(message: Message, before: { read: number; unread: number }) => void>()
  private markedAt = -Infinity
  private marked = 0
  private timer?: ReturnType<typeof setTimeout>

  constructor(
    readonly id: string,
    private readonly rooms: Rooms,
  ) {
    this.feed = new RoomFeed(rooms.socket, id, rooms.me, {
      changed: () => {
        this.refusal = undefined
        this.changes++
        if (this.own?.with) rooms.arrived(id)
        rooms.posts.told(id, this.feed)
      },
      posted: (message) => {
        rooms.typing?.wrote(id, message.by, sameUuid(message.by, rooms.me))
        if (sameUuid(message.by, rooms.me) || rooms.hides(message.by)) return
        const before = { read: this.read ?? this.feed.newest, unread: this.unread.count }
        for (const watcher of this.watchers) watcher(message, before)
      },
      refused: (refusal) => (this.refusal = refusal),
    })
  }

  /** Read it where the feed is read: so that it is read again when it changes. */
  get version(): number {
    return this.changes
  }

  get unread(): Unread {
    void this.changes
    return this.read === undefined ? { count: 0, more: false } : unreadOf(this.feed.messages, this.read, this.rooms.me, (user) => this.rooms.hides(user))
  }

  get last(): Message | undefined {
    void this.changes
    return this.feed.messages.list.findLast((each) => !this.rooms.hides(each.by))
  }

  is(own: OwnRoom): void {
    this.own = own
    this.read = Math.max(own.read, this.marked)
  }

  gone(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.own = this.read = undefined
    this.marked = 0
  }

  /** All that this page has was seen: other devices hear it, in a lively room a little later. */
  see(): void {
    if (this.read === undefined || (this.feed.messages.newest?.seq ?? 0) <= this.read) return
    this.marked = this.read = this.feed.newest
    const every = (this.feed.snapshot?.people ?? 0) > MANY ? READ_EVERY_MS_OF_MANY : READ_EVERY_MS
    const wait = this.markedAt + every - localNow()
    if (wait <= 0) this.mark()
    else this.timer ??= setTimeout(() => this.mark(), wait)
  }

  /** The page may be gone before it is time: what was seen is said now. */
  lookAway(): void {
    if (this.timer) this.mark()
  }

  private mark(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.markedAt = localNow()
    const [room, through] = [uuidBytes(this.id), this.marked]
    // What becomes of it is seen by the next mark.
    this.rooms.socket.command((cmd) => ({ t: 'user', cmd, act: { t: 'read', room, through } })).catch(() => {})
  }

  /** Asked for again: it has been made meanwhile, or one has come in. */
  again(): void {
    this.refusal = undefined
    this.feed.start()
  }

  async act(act: RoomCommand): Promise<Response> {
    return this.rooms.socket.command((cmd) => ({ t: 'room', room: uuidBytes(this.id), cmd, act }))
  }
}

export class Rooms {
  readonly me: Uint8Array
  readonly posts: Posts
  readonly drafts: Drafts
  /** There from the first room on that is shown. */
  typing?: Typing
  private typingChanges = $state(0)
  private readonly presences: Presences
  private presenceChanges = $state(0)
  private begun = false
  /** One's own choice, for all devices: nobody is told that one is there. */
  private unseen = $state(false)
  private readonly all = new Map<string, RoomState>()
  /** How many look at a room. */
  private readonly looks = new Map<string, number>()
  private ids = $state.raw<readonly string[]>([])
  private waiting = $state.raw<readonly Post[]>([])
  /** Of whom nothing is shown, whoever of the two wants it. */
  hidden = $state.raw<readonly Hidden[]>([])
  /** All that is there, the hidden too. */
  inbox = $state.raw<Inbox>(EMPTY)

  constructor(
    readonly socket: Socket,
    user: string,
    keep: PostKeep,
    storage: Pick<Storage, 'getItem' | 'setItem'>,
    /** Whether all rooms that one is in are followed, or only those that are opened. */
    private readonly follows: boolean,
    /** Whether one trains just now. */
    private readonly trains = () => false,
  ) {
    this.presences = new Presences(socket, () => this.mine(), () => void this.presenceChanges++)
    this.me = user ? uuidBytes(user) : new Uint8Array(16)
    this.drafts = new Drafts(user, storage)
    this.posts = new Posts(socket, user, keep)
    this.posts.watch((all) => {
      this.waiting = all
      for (const { room } of all) {
        const feed = this.all.get(room)?.feed
        if (feed) this.posts.told(room, feed)
      }
    })
  }

  /** The rooms that one is in, but for talks with people of whom nothing is shown. */
  get own(): RoomState[] {
    return this.ids.map((id) => this.all.get(id)!).filter(({ own }) => !own?.with || !this.hides(own.with))
  }

  /** Whose newest numbers are still to be said. */
  private arriving?: Set<string>

  /** What has arrived here the other of two may know, together with what comes in the same moment. */
  arrived(room: string): void {
    if (this.unseen) return
    if (!this.arriving) {
      this.arriving = new Set()
      setTimeout(() => {
        for (const id of this.arriving!) this.socket.tell({ t: 'got', room: uuidBytes(id), through: this.of(id).feed.newest })
        this.arriving = undefined
      }, GOT_AFTER_MS)
    }
    this.arriving.add(room)
  }

  /** How far the other of two is. */
  far(room: string): Far | undefined {
    void this.presenceChanges
    return this.presences.far(room)
  }

  private mine(): Presence {
    if (this.unseen) return 'hidden'
    if (document.visibilityState === 'hidden') return 'away'
    return this.trains() ? 'in_class' : 'online'
  }

  get isUnseen(): boolean {
    return this.unseen
  }

  /** Acts at once here, and as soon as the server has it on all devices. */
  async beUnseen(unseen: boolean): Promise<void> {
    this.setUnseen(unseen)
    try {
      await this.socket.command((cmd) => ({ t: 'user', cmd, act: { t: 'unseen', unseen } }))
    } catch (error) {
      this.setUnseen(!unseen)
      throw error
    }
  }

  private setUnseen(unseen: boolean): void {
    if (this.unseen === unseen) return
    this.unseen = unseen
    this.presences.say()
  }

  /** How somebody is there in a room; nothing where they are not, or nothing is shown of them. */
  there(room: string, user: Uint8Array): Presence | undefined {
    return this.hides(user) ? undefined : this.thereIn(room)?.people.get(uuidText(user))
  }

  /** All who are there, the hidden too. */
  thereIn(room: string): There | undefined {
    void this.presenceChanges
    return this.presences.in(room)
  }

  /** Names of those who type in a room just now, but for oneself and those of whom nothing is shown. */
  types(room: string): string[] {
    void this.typingChanges
    return this.typing?.in(room).flatMap(({ user, name }) => (sameUuid(user, this.me) || this.hides(user) ? [] : [name])) ?? []
  }

  typed(): void {
    this.typingChanges++
  }

  hides(user: Uint8Array): boolean {
    return this.hidden.some((each) => sameUuid(each.user, user))
  }

  block(user: Uint8Array, blocked: boolean): Promise<Response> {
    return this.socket.command((cmd) => ({ t: 'user', cmd, act: { t: 'block', user, blocked } }))
  }

  get unread(): number {
    return this.own.reduce((sum, each) => sum + each.unread.count, 0)
  }

  /** What the inbox shows, newest first: nothing of people of whom nothing is shown. */
  get notices(): Notice[] {
    const shown = this.inbox.notices.filter(({ of }) => {
      const by = byOf(of)
      return !by || !this.hides(by)
    })
    return shown.reverse()
  }

  /** How much of it is unread. */
  get waits(): number {
    return this.notices.filter((each) => !each.read).length
  }

  /** The same without what is unread in a room anyway. */
  get waitsAlone(): number {
    return this.notices.filter((each) => !each.read && !placeOf(each.of)).length
  }

  readNotices(numbers: number[]): Promise<Response> {
    return this.socket.command((cmd) => ({ t: 'user', cmd, act: { t: 'read_notices', numbers } }))
  }

  want(topic: NoticeTopic, wanted: boolean): Promise<Response> {
    return this.socket.command((cmd) => ({ t: 'user', cmd, act: { t: 'want', topic, wanted } }))
  }

  /** For the next page, until the server has spoken. */
  kept(): Kept {
    const { notices, unwanted } = this.inbox
    return { rooms: this.ids.map((id) => this.all.get(id)!.own!), hidden: [...this.hidden], inbox: [...notices], unwanted: [...unwanted], unseen: this.unseen }
  }

  postsOf(room: string): Post[] {
    return this.waiting.filter((each) => each.room === room)
  }

  /** The state of a room, followed from now on whether one is in it or not. */
  open(id: string): RoomState {
    const room = this.of(id)
    this.looks.set(id, (this.looks.get(id) ?? 0) + 1)
    room.again()
    return room
  }

  /** One who opened it looks no more. */
  close(id: string): void {
    const looks = (this.looks.get(id) ?? 1) - 1
    this.looks.set(id, looks)
    if (looks === 0 && !(this.follows && this.ids.includes(id))) this.of(id).feed.stop()
  }

  /** What the topic `user:me` says at first. */
  begin({ rooms: own = [], hidden = [], inbox = [], unwanted = [], unseen = false }: Kept): void {
    this.hidden = hidden
    this.setUnseen(unseen)
    this.inbox = { notices: inbox, unwanted }
    if (!this.begun) {
      document.addEventListener('visibilitychange', () => this.presences.say())
      // A server that began anew has forgotten what had arrived.
      this.socket.watch(({ state }) => state === 'live' && this.own.forEach(({ id, own }) => own?.with && this.arrived(id)))
    }
    this.begun = true
    this.presences.start()
    const now = new Set(own.map((each) => uuidText(each.room)))
    for (const id of this.ids) if (!now.has(id)) this.leave(id)
    for (const each of own) this.enter(each)
  }

  heard(event: UserEvent): void {
    this.inbox = inboxAfter(this.inbox, event)
    if (event.t === 'in_room') this.enter(event.room)
    if (event.t === 'left_room') this.leave(uuidText(event.room))
    if (event.t === 'hidden') this.hidden = [...this.hidden.filter((each) => !sameUuid(each.user, event.person.user)), event.person]
    if (event.t === 'unseen') this.setUnseen(event.unseen)
    if (event.t === 'shown') this.hidden = this.hidden.filter((each) => !sameUuid(each.user, event.user))
  }

  private enter(own: OwnRoom): void {
    const id = uuidText(own.room)
    const room = this.of(id)
    const came = room.own === undefined
    room.is(own)
    if (!this.ids.includes(id)) this.ids = [...this.ids, id]
    if (this.follows || (came && room.refusal)) room.again()
  }

  private leave(id: string): void {
    this.ids = this.ids.filter((each) => each !== id)
    const room = this.all.get(id)
    room?.gone()
  }

  private of(id: string): RoomState {
    const known = this.all.get(id)
    if (known) return known
    const room = new RoomState(id, this)
    this.all.set(id, room)
    return room
  }
}
