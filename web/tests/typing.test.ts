import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { uuidText } from '../src/proto/ids'
import { LIMITS } from '../src/proto/layout'
import type { Request, Response } from '../src/proto/protocol'
import { Typing } from '../src/room/typing'
import { ANA, BEN, id } from './help/messages'

const ROOM = uuidText(id(9))

let told: Request[]
let live: boolean
let changes: number
let hear: (push: Response) => void
let typing: Typing

beforeEach(() => {
  vi.useFakeTimers()
  told = []
  live = true
  changes = 0
  const socket = {
    tell: (body: Request) => (live && told.push(body), live),
    listen: (each: (push: Response) => void) => ((hear = each), () => {}),
    topics: { all: () => [{ name: `room:${ROOM}`, handle: 5, follower: {}, waiting: false }, { name: 'user:me', handle: 6, follower: {}, waiting: false }] },
  }
  typing = new Typing(socket as never, () => changes++)
})

afterEach(() => {
  vi.useRealTimers()
})

const push = (h: number, user: Uint8Array, name: string): Response => ({ t: 'typing', h, user, name })
const names = () => typing.in(ROOM).map(({ name }) => name)

test('who types is shown until they are not heard of for five seconds, or their message comes', () => {
  hear(push(5, ANA, 'Ana'))
  vi.advanceTimersByTime(3_000)
  hear(push(5, BEN, 'Ben'))
  expect(names()).toEqual(['Ana', 'Ben'])
  vi.advanceTimersByTime(LIMITS.TYPING_SHOWN_MS - 3_000)
  expect(names()).toEqual(['Ben'])
  hear(push(5, BEN, 'Ben'))
  vi.advanceTimersByTime(LIMITS.TYPING_SHOWN_MS - 1)
  expect(names()).toEqual(['Ben'])
  const before = changes
  typing.wrote(ROOM, BEN, false)
  expect([names(), changes]).toEqual([[], before + 1])
  hear(push(6, ANA, 'Ana'))
  hear(push(99, ANA, 'Ana'))
  expect([names(), changes]).toEqual([[], before + 1])
})

test('one says it every three seconds, after a message at once, and not where the link is away', () => {
  live = false
  typing.type(ROOM)
  live = true
  for (let key = 0; key < 7; key++) {
    typing.type(ROOM)
    vi.advanceTimersByTime(1_000)
  }
  expect(told).toEqual([{ t: 'typing', room: id(9) }, { t: 'typing', room: id(9) }, { t: 'typing', room: id(9) }])
  typing.type(ROOM)
  expect(told.length).toBe(3)
  typing.wrote(ROOM, ANA, true)
  typing.type(ROOM)
  expect(told.length).toBe(4)
})
