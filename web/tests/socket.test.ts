import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LoginNeeded, Socket, type SocketOptions } from '../src/net/socket'
import { Refused } from '../src/net/calls'
import type { Event, Request, Response, Snapshot } from '../src/proto/protocol'
import { FakeSocket } from './help/fake-socket'
import { pack } from './help/rows'

const CLASS = 'class:0192f0c0-0000-7000-8000-000000000001'
const EVENT: Event = { t: 'cue', text: 'go' }

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

async function connect(more: Partial<SocketOptions> = {}): Promise<Socket> {
  const socket = new Socket({ url: 'ws://gym/v1/ws', token: async () => 'tok', random: () => 0.5, ...more })
  socket.start()
  await flush()
  return socket
}

function subscribed(h: number, offset: number, more: Partial<Extract<Response, { t: 'subscribed' }>> = {}): Response {
  return { t: 'subscribed', topic: CLASS, h, epoch: 7, offset, recovered: false, reason: 'new', snapshot: {} as Snapshot, ...more }
}

/** Connected, and following the class with handle 1 at offset 10. */
async function following() {
  const socket = await connect()
  const seen = { snapshots: 0, events: 0, ticks: 0, refused: '' }
  const stop = socket.follow(CLASS, {
    snapshot: () => seen.snapshots++,
    event: () => seen.events++,
    tick: () => seen.ticks++,
    refused: (refusal) => (seen.refused = refusal.code),
    lively: () => seen.ticks > 0,
  })
  FakeSocket.last.welcome()
  await flush()
  const [id] = FakeSocket.last.asked('subscribe')!
  FakeSocket.last.say(id, subscribed(1, 10))
  await flush()
  return { socket, seen, stop }
}

test('the token goes in the subprotocol, and the welcome makes it live', async () => {
  const socket = await connect()
  expect(socket.link.state).toBe('connecting')
  expect([FakeSocket.last.url, FakeSocket.last.protocols]).toEqual(['ws://gym/v1/ws', ['fitconnect.v1', 'bearer.tok']])
  FakeSocket.last.welcome()
  expect(socket.link.state).toBe('live')
})

test('resuming until every topic is there', async () => {
  const socket = await connect()
  socket.follow(CLASS, {})
  socket.follow(`${CLASS}:board`, {})
  FakeSocket.last.welcome()
  await flush()
  expect(socket.link).toMatchObject({ state: 'resuming', resumed: 0, topics: 2 })
  FakeSocket.last.say(0, subscribed(1, 0))
  expect(socket.link).toMatchObject({ state: 'resuming', resumed: 1, topics: 2 })
  FakeSocket.last.say(0, subscribed(2, 0, { topic: `${CLASS}:board` }))
  expect(socket.link.state).toBe('live')
})

test('after a loss every topic comes back in one frame, with its position and the session', async () => {
  const { socket, seen } = await following()
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 11, e: EVENT })
  FakeSocket.last.closed(1006)
  expect(socket.link).toMatchObject({ state: 'offline', attempt: 1 })
  await vi.advanceTimersByTimeAsync(500)
  FakeSocket.last.welcome()
  await flush()
  expect(FakeSocket.all.length).toBe(2)
  const [id, resume] = FakeSocket.last.asked('resume')!
  expect(resume.topics).toEqual([[CLASS, 7, 11]])
  expect(resume.session).toEqual(new Uint8Array(16).fill(1))
  expect(FakeSocket.last.count('subscribe')).toBe(0)
  FakeSocket.last.say(id, { t: 'resuming', session: resume.session!, reclaimed: true, topics: 1 })
  FakeSocket.last.say(0, subscribed(9, 13, { recovered: true, snapshot: undefined }))
  FakeSocket.last.say(0, { t: 'event', h: 9, o: 12, e: EVENT })
  FakeSocket.last.say(0, { t: 'event', h: 9, o: 13, e: EVENT })
  expect([socket.link.state, seen.events, seen.snapshots]).toEqual(['live', 3, 1])
})

test('a topic that the resume forgets is asked for by itself', async () => {
  await following()
  FakeSocket.last.closed(1006)
  await vi.advanceTimersByTimeAsync(500)
  FakeSocket.last.welcome()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(FakeSocket.last.asked('subscribe')![1].position).toEqual({ epoch: 7, offset: 10 })
})

test('a hole in the numbers is asked for again, once; what comes twice is taken once', async () => {
  const { seen } = await following()
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 12, e: EVENT })
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 13, e: EVENT })
  expect(seen.events).toBe(0)
  expect(FakeSocket.last.count('subscribe')).toBe(2)
  const [id, again] = FakeSocket.last.asked('subscribe')!
  expect(again.position).toEqual({ epoch: 7, offset: 10 })
  FakeSocket.last.say(id, subscribed(1, 13, { recovered: true, snapshot: undefined }))
  for (const o of [11, 12, 13, 13, 12]) FakeSocket.last.say(0, { t: 'event', h: 1, o, e: EVENT })
  expect([seen.events, FakeSocket.last.count('subscribe')]).toEqual([3, 2])
})

test('what could not be recovered is a snapshot, and counts on from there', async () => {
  const { seen } = await following()
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 99, e: EVENT })
  const [id] = FakeSocket.last.asked('subscribe')!
  FakeSocket.last.say(id, subscribed(1, 200, { epoch: 8, reason: 'too_old' }))
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 201, e: EVENT })
  expect([seen.snapshots, seen.events]).toEqual([2, 1])
})

test('the newest tick is echoed every 2 s, without a reply, and only where it is new', async () => {
  const { seen } = await following()
  FakeSocket.last.say(0, { t: 'tick', h: 1, b: pack({ tick: 41, rows: [] }) })
  FakeSocket.last.say(0, { t: 'tick', h: 1, b: pack({ tick: 42, rows: [] }) })
  expect(seen.ticks).toBe(2)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(FakeSocket.last.asked('seen')).toEqual([0, { t: 'seen', h: 1, tick: 42 }])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(FakeSocket.last.count('seen')).toBe(1)
})

test('heartbeats go out as empty frames, and silence ends the socket', async () => {
  const socket = await connect()
  FakeSocket.last.welcome()
  await vi.advanceTimersByTimeAsync(30_000)
  expect(FakeSocket.last.heartbeats).toBeGreaterThan(0)
  FakeSocket.last.beat()
  await vi.advanceTimersByTimeAsync(34_000)
  expect(socket.link.state).toBe('live')
  await vi.advanceTimersByTimeAsync(15_000)
  expect(socket.link.state).not.toBe('live')
})

test('a board gone quiet is lagging; a dead path is found by asking, and dialled anew', async () => {
  const { socket } = await following()
  FakeSocket.last.say(0, { t: 'tick', h: 1, b: pack({ tick: 1, rows: [] }) })
  await vi.advanceTimersByTimeAsync(4_000)
  expect(socket.link.state).toBe('lagging')
  const first = FakeSocket.last
  await vi.advanceTimersByTimeAsync(9_000)
  expect(FakeSocket.last).not.toBe(first)
})

test('lagging by the server’s word, until the events flow again', async () => {
  const { socket } = await following()
  FakeSocket.last.say(0, { t: 'lagging', h: 1 })
  expect(socket.link.state).toBe('lagging')
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 11, e: EVENT })
  expect(socket.link.state).toBe('live')
})

test('go away: back when the server said', async () => {
  const socket = await connect()
  FakeSocket.last.welcome()
  FakeSocket.last.say(0, { t: 'go_away', code: 4001, reconnect_after_ms: 7_000 })
  FakeSocket.last.closed(4001)
  expect(socket.link.state).toBe('offline')
  await vi.advanceTimersByTimeAsync(6_900)
  expect(FakeSocket.all.length).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(FakeSocket.all.length).toBe(2)
})

test.each([
  [4500, 'bad_frame'],
  [4503, 'kicked'],
  [4505, 'too_old'],
] as const)('a close with %i ends it: %s', async (code, ended) => {
  const socket = await connect()
  FakeSocket.last.welcome()
  FakeSocket.last.closed(code)
  expect(socket.link).toMatchObject({ state: 'offline', ended })
  await vi.advanceTimersByTimeAsync(120_000)
  expect(FakeSocket.all.length).toBe(1)
})

test.each([4002, 4003, 4008])('a close with %i comes back', async (code) => {
  await connect()
  FakeSocket.last.welcome()
  FakeSocket.last.closed(code)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(FakeSocket.all.length).toBe(2)
})

test('too fast: a minute of quiet', async () => {
  await connect()
  FakeSocket.last.welcome()
  FakeSocket.last.closed(4029)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(FakeSocket.all.length).toBe(1)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(FakeSocket.all.length).toBe(2)
})

test('an expired token is asked for anew; where only a log-in helps, it ends', async () => {
  const asked: boolean[] = []
  const socket = await connect({
    async token(refused) {
      asked.push(refused)
      if (asked.length > 2) throw new LoginNeeded()
      return 'tok'
    },
  })
  FakeSocket.last.welcome()
  FakeSocket.last.closed(4501)
  await vi.advanceTimersByTimeAsync(1_000)
  FakeSocket.last.closed(1006)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(asked).toEqual([false, true, true])
  expect(socket.link).toMatchObject({ state: 'offline', ended: 'unauthorised' })
})

test('dials become rarer while nobody answers, and begin anew after a welcome', async () => {
  await connect()
  const waits: number[] = []
  for (let dial = 0; dial < 32; dial++) {
    const before = Date.now()
    const dials = FakeSocket.all.length
    FakeSocket.last.closed(1006)
    while (FakeSocket.all.length === dials) await vi.advanceTimersByTimeAsync(100)
    waits.push(Date.now() - before)
  }
  expect(waits).toEqual([500, 1_000, ...Array(25).fill(1_200), 4_000, 8_000, 15_000, 15_000, 15_000])
  FakeSocket.last.welcome()
  FakeSocket.last.closed(1006)
  const dials = FakeSocket.all.length
  await vi.advanceTimersByTimeAsync(500)
  expect(FakeSocket.all.length).toBe(dials + 1)
})

test('a server of another major version is not spoken to', async () => {
  const socket = await connect()
  FakeSocket.last.welcome({ protocol: [2, 0] })
  expect(socket.link.ended).toBe('too_old')
})

test('a refused topic says why, and does not hold up the rest', async () => {
  const socket = await connect()
  const codes: string[] = []
  socket.follow(CLASS, { refused: (refusal) => codes.push(refusal.code) })
  FakeSocket.last.welcome()
  await flush()
  FakeSocket.last.say(FakeSocket.last.asked('subscribe')![0], { t: 'refused', code: 'not_found', message: '' })
  await flush()
  expect([codes, socket.link.state]).toEqual([['not_found'], 'live'])
})

test('a command outlives its socket and keeps its cmd, stamped with the server’s time', async () => {
  const socket = await connect()
  FakeSocket.last.welcome({ server_time_ms: 1_790_000_000_000 })
  const make = (cmd: Uint8Array): Request => ({ t: 'class', class: new Uint8Array(16), cmd, act: { t: 'open' } })
  const done = socket.command(make)
  const first = FakeSocket.last.asked('class')![1].cmd
  expect(first[6]! >> 4).toBe(7)
  expect(Math.abs(first.subarray(0, 6).reduce((ms, byte) => ms * 256 + byte, 0) - 1_790_000_000_000)).toBeLessThan(1_000)
  FakeSocket.last.closed(1006)
  await vi.advanceTimersByTimeAsync(600)
  FakeSocket.last.welcome()
  const [id, again] = FakeSocket.last.asked('class')!
  expect(again.cmd).toEqual(first)
  FakeSocket.last.say(id, { t: 'refused', code: 'retry', message: '', retry_after_ms: 300 })
  await vi.advanceTimersByTimeAsync(300)
  expect(FakeSocket.last.count('class')).toBe(2)
  FakeSocket.last.say(FakeSocket.last.asked('class')![0], { t: 'done' })
  expect(await done).toEqual({ t: 'done' })
})

test('a question ends with its socket, or with the server’s no', async () => {
  const socket = await connect()
  FakeSocket.last.welcome()
  const lost = expect(socket.request({ t: 'clock', t0: 1 })).rejects.toThrow()
  FakeSocket.last.closed(1006)
  await lost
  await vi.advanceTimersByTimeAsync(600)
  FakeSocket.last.welcome()
  const refused = expect(socket.request({ t: 'subscribe', topic: 'class:x' })).rejects.toBeInstanceOf(Refused)
  FakeSocket.last.say(FakeSocket.last.asked('subscribe')![0], { t: 'refused', code: 'malformed', message: '' })
  await refused
})

test('frames that cannot be read close the socket, and it comes back', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const socket = await connect()
  FakeSocket.last.welcome()
  FakeSocket.last.onmessage!({ data: new Uint8Array([0xc1]).buffer })
  expect(socket.link.state).toBe('offline')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(FakeSocket.all.length).toBe(2)
})

test('types that this page does not know are passed over', async () => {
  const socket = await connect()
  FakeSocket.last.welcome()
  FakeSocket.last.say(0, { t: 'of_tomorrow' } as unknown as Response)
  expect(socket.link.state).toBe('live')
})

test('who stops following tells the server, and hears no more', async () => {
  const { seen, stop } = await following()
  stop()
  expect(FakeSocket.last.asked('unsubscribe')![1].topic).toBe(CLASS)
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 11, e: EVENT })
  expect(seen.events).toBe(0)
})

test('a room that one is no longer in is followed no more, over reconnects too', async () => {
  const { seen } = await following()
  FakeSocket.last.say(0, { t: 'ended', h: 1 })
  await flush()
  expect(seen.refused).toBe('not_member')
  FakeSocket.last.closed(1006)
  await vi.advanceTimersByTimeAsync(2_000)
  FakeSocket.last.welcome()
  await flush()
  expect([FakeSocket.last.count('resume'), FakeSocket.last.count('subscribe')]).toEqual([0, 0])
})

test('a question for a topic that nobody answers is asked again', async () => {
  await following()
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 12, e: EVENT })
  const asked = FakeSocket.last.count('subscribe')
  FakeSocket.last.beat()
  await vi.advanceTimersByTimeAsync(9_000)
  FakeSocket.last.beat()
  await vi.advanceTimersByTimeAsync(1_500)
  expect(FakeSocket.last.count('subscribe')).toBe(asked + 1)
})

test('missed events that were promised and do not come are asked for again', async () => {
  await following()
  FakeSocket.last.say(0, { t: 'event', h: 1, o: 12, e: EVENT })
  const [id] = FakeSocket.last.asked('subscribe')!
  FakeSocket.last.say(id, subscribed(2, 12, { recovered: true, reason: undefined, snapshot: undefined }))
  await vi.advanceTimersByTimeAsync(4_000)
  const asked = FakeSocket.last.count('subscribe')
  await vi.advanceTimersByTimeAsync(1_500)
  expect(FakeSocket.last.count('subscribe')).toBe(asked + 1)
})
