import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryPosts } from '../src/net/keep'
import { Socket } from '../src/net/socket'
import { uuidText } from '../src/proto/ids'
import type { ErrorCode, Request } from '../src/proto/protocol'
import { type Post, Posts, POSTS_MAX } from '../src/room/posts'
import { FakeSocket } from './help/fake-socket'

const ROOM = '01a20eb6-f100-7000-8000-000000000001'
const OTHER = '01a20eb6-f100-7000-8000-000000000002'

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.all = []
  vi.stubGlobal('WebSocket', FakeSocket)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const flush = () => vi.advanceTimersByTimeAsync(0)

/** A page of Ana's, its link up unless said otherwise. */
async function page(keep = memoryPosts(), up = true) {
  const socket = new Socket({ url: 'ws://gym/v1/ws', token: async () => 't', random: () => 0.5 })
  const posts = new Posts(socket, 'ana', keep)
  let all: readonly Post[] = []
  posts.watch((next) => (all = next))
  socket.start()
  await posts.start()
  await flush()
  if (up) await welcome()
  return { socket, posts, keep, shown: () => all.map((each) => `${each.text}: ${each.state}${each.code ? ` ${each.code}` : ''}`) }
}

async function welcome() {
  FakeSocket.last.welcome()
  await flush()
}

type Sent = [number, Extract<Request, { t: 'room' }>]
const sent = () => FakeSocket.last.sent.filter(([, body]) => body.t === 'room') as Sent[]
const texts = () => sent().map(([, { act }]) => (act.t === 'post' ? act.text : act.t))

async function answer(seq: number) {
  FakeSocket.last.say(sent().at(-1)![0], { t: 'numbered', seq })
  await flush()
}

/** A room's feed up to this number, with one's own messages of these cmds. */
const holds = (newest: number, ...cmds: (string | undefined)[]) => ({ newest, has: (cmd: string) => cmds.includes(cmd) })

async function refuse(code: ErrorCode) {
  FakeSocket.last.say(sent().at(-1)![0], { t: 'refused', code, message: '' })
  await flush()
}

test('of one room one message is under way at a time, in the order in which they were written', async () => {
  const { posts } = await page()
  for (const text of ['one', 'two', 'three']) posts.post(ROOM, text)
  posts.post(OTHER, 'elsewhere')
  await flush()
  expect(texts()).toEqual(['one', 'elsewhere'])
  FakeSocket.last.say(sent()[0]![0], { t: 'numbered', seq: 2 })
  await flush()
  expect(texts()).toEqual(['one', 'elsewhere', 'two'])
})

test('what the link cut off goes out again under the same cmd', async () => {
  const { posts, shown } = await page()
  posts.post(ROOM, 'one')
  await flush()
  const first = sent()[0]![1].cmd
  FakeSocket.last.closed(1006)
  await vi.advanceTimersByTimeAsync(2_000)
  await welcome()
  expect(sent().map(([, { cmd }]) => uuidText(cmd))).toEqual([uuidText(first)])
  await answer(2)
  expect(shown()).toEqual(['one: sent'])
})

test('the next page sends what the one before it kept, in its order and under its cmds, and forgets what was numbered', async () => {
  const before = await page(memoryPosts(), false)
  before.posts.post(ROOM, 'one')
  before.posts.post(ROOM, 'two')
  await flush()
  const kept = [...before.keep.posts.keys()]
  before.socket.stop()
  const after = await page(before.keep)
  expect(after.shown()).toEqual(['one: waiting', 'two: waiting'])
  await answer(2)
  await answer(3)
  expect(sent().map(([, { cmd }]) => uuidText(cmd))).toEqual(kept)
  expect(before.keep.posts.size).toBe(0)
})

test('another account of this browser sends nothing of it', async () => {
  const keep = memoryPosts()
  keep.put({ key: ROOM, room: ROOM, text: 'of Ben', madeAt: Date.now(), user: 'ben', nth: 0 })
  expect((await page(keep)).shown()).toEqual([])
})

test('what was refused can be tried again under its cmd, or put away', async () => {
  const { posts, keep, shown } = await page()
  posts.post(ROOM, 'one')
  posts.post(ROOM, 'two')
  await flush()
  await refuse('forbidden')
  expect(shown()).toEqual(['one: failed forbidden', 'two: waiting'])
  await answer(5)
  const [key] = keep.posts.keys()
  posts.retry(key!)
  await flush()
  expect(uuidText(sent().at(-1)![1].cmd)).toBe(key)
  await refuse('not_member')
  posts.discard(key!)
  expect([shown(), keep.posts.size]).toEqual([['two: sent'], 0])
})

test('a cmd that waited for longer than the server remembers is not sent again unasked', async () => {
  const keep = memoryPosts()
  keep.put({ key: ROOM, room: OTHER, text: 'old', madeAt: Date.now() - 24 * 3_600_000, user: 'ana', nth: 3 })
  const { posts, shown } = await page(keep)
  expect([shown(), texts()]).toEqual([['old: failed cmd_expired'], []])
  posts.retry(ROOM)
  await flush()
  expect(texts()).toEqual(['old'])
  expect(uuidText(sent()[0]![1].cmd)).not.toBe(ROOM)
})

test('what was sent goes when the room has been told it', async () => {
  const { posts, shown } = await page()
  posts.post(ROOM, 'one')
  await flush()
  await answer(7)
  posts.told(ROOM, holds(6))
  expect(shown()).toEqual(['one: sent'])
  posts.told(ROOM, holds(7))
  expect(shown()).toEqual([])
})

test('what was held or had no answer goes for good when its message comes by, and is not posted twice', async () => {
  const { posts, keep, shown, socket } = await page()
  posts.post(ROOM, 'held')
  await flush()
  await refuse('held')
  posts.post(ROOM, 'unanswered')
  await flush()
  const [held, unanswered] = keep.posts.keys()
  posts.told(OTHER, holds(9, held, unanswered))
  posts.told(ROOM, holds(9))
  expect(shown()).toEqual(['held: failed held', 'unanswered: waiting'])
  posts.told(ROOM, holds(9, held, unanswered))
  expect([shown(), keep.posts.size]).toEqual([[], 0])
  // Its answer comes late, and says nothing new.
  await refuse('forbidden')
  expect([shown(), keep.posts.size]).toEqual([[], 0])
  socket.stop()
  expect((await page(keep)).shown()).toEqual([])
})

test('beyond the bound a message is not taken', async () => {
  const { posts } = await page(memoryPosts(), false)
  const taken = Array.from({ length: POSTS_MAX + 1 }, (_, at) => posts.post(ROOM, `text ${at}`))
  expect([taken.at(-2), taken.at(-1)]).toEqual([true, false])
})
