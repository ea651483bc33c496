import { beforeEach, expect, test } from 'vitest'
import { uuidText } from '../src/proto/ids'
import type { Follower } from '../src/net/topics'
import type { Socket } from '../src/net/socket'
import type { Request, RoomEvent, RoomSnapshot } from '../src/proto/protocol'
import { RoomFeed } from '../src/room/feed'
import { reactionsOf } from '../src/room/reactions'
import { ANA, BEN, id, message } from './help/messages'

const ROOM = '01a20eb6-f100-7000-8000-000000000001'
const SNAPSHOT: RoomSnapshot = {
  room: id(9), gym: id(8), kind: 'team', name: 'Early birds', join: 'open', role: 'member', people: 2,
  members: [{ user: ANA, name: 'Ana', role: 'member' }, { user: BEN, name: 'Ben', role: 'owner' }],
  recent: [message(40), message(41)],
}

let follower: Follower
let asked: Request[]
let page: number[]
let feed: RoomFeed
let link: { welcome?: object }
let changes: number

beforeEach(() => {
  asked = []
  page = []
  changes = 0
  link = {}
  const socket = {
    get welcome() {
      return link.welcome
    },
    topics: { get: () => ({ position: { epoch: 1, offset: 44 } }) },
    follow: (_: string, who: Follower) => ((follower = who), () => {}),
    request: async (body: Request) => (asked.push(body), { t: 'page', room: id(9), messages: page.map((seq) => message(seq)), more: false }),
  }
  feed = new RoomFeed(socket as unknown as Socket, ROOM, ANA, { changed: () => changes++, refused() {} })
  feed.start()
  follower.snapshot!({ t: 'room', ...SNAPSHOT })
})

const tell = (event: RoomEvent) => follower.event!(event)
const AT = { by: BEN, at_ms: 0 }

test('what happens in a room shows: words, people, pins, pauses, silence', () => {
  tell({ t: 'posted', message: message(42) })
  tell({ t: 'pinned', seq: 42, pinned: true, ...AT })
  tell({ t: 'slowed', seconds: 30, ...AT })
  tell({ t: 'muted', user: ANA, until_ms: 9_000, ...AT })
  tell({ t: 'muted', user: BEN, until_ms: 8_000, ...AT })
  tell({ t: 'joined', member: { user: id(3), name: 'Eve', role: 'member' }, ...AT })
  tell({ t: 'appointed', user: ANA, role: 'moderator', ...AT })
  expect(feed.snapshot).toMatchObject({ pins: [42], slow_s: 30, muted_until_ms: 9_000, people: 3, role: 'moderator' })
  expect([feed.messages.newest!.seq, feed.newest, changes]).toEqual([42, 44, 8])
})

test('what is deleted loses its words and its pin', () => {
  tell({ t: 'pinned', seq: 41, pinned: true, ...AT })
  tell({ t: 'deleted', message: message(41, BEN, { text: '', deleted_by: BEN }) })
  expect([feed.snapshot!.pins, feed.messages.find(41)!.text]).toEqual([[], ''])
})

test('one who is sent out is in it no more', () => {
  tell({ t: 'banned', user: ANA, banned: true, ...AT })
  expect([feed.role, feed.snapshot!.people]).toEqual([undefined, 1])
})

test('the page before what is held is asked for once at a time', async () => {
  page = [38, 39]
  await Promise.all([feed.older(), feed.older()])
  expect(asked).toEqual([expect.objectContaining({ t: 'history', from: { t: 'before', seq: 40 } })])
  expect(feed.messages.list.map((each) => each.seq)).toEqual([38, 39, 40, 41])
  await feed.older()
  expect(asked.length).toBe(1)
})

test('it has what one posted oneself under a cmd, from a snapshot, a page or an event, and not what another did', async () => {
  const has = (seq: number) => feed.has(uuidText(message(seq).cmd))
  follower.snapshot!({ t: 'room', ...SNAPSHOT, recent: [message(40, ANA), message(41)] })
  page = [39]
  await feed.older()
  tell({ t: 'posted', message: message(42, ANA) })
  expect([39, 40, 41, 42, 43].map(has)).toEqual([false, true, false, true, false])
})

test('a quoted message that is not held is fetched once', async () => {
  page = [7]
  expect([feed.find(7), feed.find(7)]).toEqual([undefined, undefined])
  await Promise.resolve()
  await Promise.resolve()
  expect([feed.find(7)?.seq, asked.length]).toEqual([7, 1])
})

test('of many quoted messages the newest that were asked for are held, and each is asked for', async () => {
  for (let seq = 2_100; seq < 4_400; seq++) feed.find(10_000 + seq)
  await Promise.resolve().then(() => {})
  expect(asked.length).toBe(2_300)
  feed.find(10_000 + 4_399)
  expect(asked.length).toBe(2_300)
  feed.find(10_000 + 2_100)
  expect(asked.length, 'the oldest was forgotten').toBe(2_301)
})

test('what was not found is asked for again when the link is back', async () => {
  const settle = async () => void (await Promise.resolve().then(() => {}))
  feed.find(7)
  await settle()
  feed.find(7)
  expect(asked.length).toBe(1)
  link.welcome = {}
  page = [7]
  feed.find(7)
  await settle()
  link.welcome = {}
  expect([feed.find(7)?.seq, asked.length]).toEqual([7, 2])
})

test('reactions come and go, each once, on what is held and on what is quoted', async () => {
  const thumb = { seq: 41, reaction: 'thumb', on: true } as const
  tell({ t: 'reacted', toggles: [{ ...thumb, by: BEN }, { ...thumb, by: ANA }, { ...thumb, by: BEN }], at_ms: 0 })
  expect(feed.messages.find(41)!.reactions).toEqual([{ reaction: 'thumb', by: [BEN, ANA] }])
  expect(reactionsOf(feed.messages.find(41)!, ANA, (user) => user === BEN)).toEqual([{ reaction: 'thumb', count: 1, mine: true }])
  tell({ t: 'reacted', toggles: [{ ...thumb, by: BEN, on: false }, { ...thumb, by: ANA, on: false }], at_ms: 0 })
  expect(feed.messages.find(41)!.reactions).toEqual([])
  page = [7]
  feed.find(7)
  await Promise.resolve().then(() => {})
  tell({ t: 'reacted', toggles: [{ ...thumb, seq: 7, by: BEN }], at_ms: 0 })
  expect(feed.find(7)!.reactions).toEqual([{ reaction: 'thumb', by: [BEN] }])
})

test('a room whose newest thousand events are no messages shows what was written before them', async () => {
  page = [2, 3]
  follower.snapshot!({ t: 'room', ...SNAPSHOT, recent: [] })
  expect(feed.messages.more).toBe(true)
  await Promise.resolve()
  await Promise.resolve()
  expect(asked.at(-1)).toMatchObject({ t: 'history', from: { t: 'before', seq: 45 } })
  expect(feed.messages.list.map(({ seq }) => seq)).toEqual([2, 3])
  expect(feed.messages.more).toBe(false)
})

test('whoever is sent out is a member no more, though the event that says so is not told to them', () => {
  expect(feed.role).toBe('member')
  follower.refused!({ code: 'busy', message: '' })
  expect(feed.role).toBe('member')
  follower.refused!({ code: 'not_member', message: '' })
  expect([feed.role, feed.snapshot!.name]).toEqual([undefined, SNAPSHOT.name])
})
