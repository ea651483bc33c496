import { expect, test } from 'vitest'
import { Refused } from '../src/net/calls'
import { IDLE, type Link } from '../src/net/link'
import { sameUuid, uuidText } from '../src/proto/ids'
import { LIMITS } from '../src/proto/layout'
import type { Presence, Request, Response, RoomMember, RoomSnapshot } from '../src/proto/protocol'
import { countsOf, Look, namesAll, ordered } from '../src/room/members'
import { Roster } from '../src/ui/room/roster.svelte'
import { ANA, BEN, id } from './help/messages'

const ROOM = '01a20eb6-f100-7000-8000-000000000001'
const EVE = id(3)
const member = (user: Uint8Array, name: string): RoomMember => ({ user, name, role: 'member' })
const PEOPLE = [member(EVE, 'Eve'), member(BEN, 'Ben'), member(ANA, 'Ana')]
const names = (members: readonly RoomMember[]) => members.map(({ name }) => name)

test('a list that the snapshot names whole is shown whole, if one may look at all of it', () => {
  const snapshot = (named: number, people: number) => ({ members: Array.from({ length: named }, () => PEOPLE[0]!), people }) as unknown as RoomSnapshot
  expect([namesAll(snapshot(64, 64)), namesAll(snapshot(64, 65)), namesAll(snapshot(201, 201))]).toEqual([true, false, false])
})

test('who is there stands first, then the names; whom somebody reads stays in place', () => {
  const there = (...users: Uint8Array[]) => (user: Uint8Array) => users.some((each) => sameUuid(each, user))
  expect(names(ordered(PEOPLE, there()))).toEqual(['Ana', 'Ben', 'Eve'])
  const read = ordered(PEOPLE, there(EVE))
  expect(names(read)).toEqual(['Eve', 'Ana', 'Ben'])
  expect(names(ordered([...PEOPLE, member(id(4), 'Cem')], there(BEN), read))).toEqual(['Eve', 'Ana', 'Ben', 'Cem'])
  expect(names(ordered(PEOPLE.slice(1), there(), read))).toEqual(['Ana', 'Ben'])
})

test('of whom nothing is shown is not counted where all are named', () => {
  const people = new Map<string, Presence>([[uuidText(ANA), 'online'], [uuidText(BEN), 'in_class'], [uuidText(EVE), 'away']])
  const hides = (user: Uint8Array) => sameUuid(user, EVE)
  expect(countsOf({ online: 1, in_class: 1, away: 1, people }, hides)).toEqual({ online: 1, in_class: 1, away: 0 })
  expect(countsOf({ online: 1, in_class: 1, away: 2, people }, hides)).toEqual({ online: 1, in_class: 1, away: 2 })
})

test('whom one looks at is said when it changes and when the link is back, and ended', () => {
  const told: number[] = []
  let watcher = (_: Link) => {}
  let watched = true
  const socket = {
    tell: (body: Request) => (body.t === 'look_at' && told.push(body.people.length), true),
    watch: (each: (link: Link) => void) => ((watcher = each), each({ ...IDLE, state: 'live' }), () => (watched = false)),
  }
  const look = new Look(socket as never, ROOM)
  look.at([])
  look.at([ANA, BEN])
  look.at([BEN, ANA])
  look.at(Array.from({ length: 300 }, (_, at) => id(at % 256)))
  expect(told).toEqual([2, LIMITS.LOOK_PEOPLE_MAX])
  watcher({ ...IDLE, state: 'offline' })
  watcher({ ...IDLE, state: 'live' })
  look.end()
  expect([told.slice(2), watched]).toEqual([[LIMITS.LOOK_PEOPLE_MAX, 0], false])
})

/** A server with so many people, whose answers wait for the test. */
function server(count: number) {
  const asked: Extract<Request, { t: 'members' }>[] = []
  const waiting: ((fails?: Error) => void)[] = []
  const request = (body: Request) =>
    new Promise<Response>((resolve, reject) => {
      if (body.t !== 'members') return reject(new Error(body.t))
      asked.push(body)
      const from = body.after ? Number(body.after.name.slice(1)) + 1 : 0
      const page = Array.from({ length: Math.max(0, Math.min(50, count - from)) }, (_, at) => member(id((from + at) % 256), `m${from + at}`))
      waiting.push((fails) => (fails ? reject(fails) : resolve({ t: 'members', room: id(9), members: page, more: from + 50 < count })))
    })
  return { asked, waiting, request }
}

test('a large list comes page by page until there are enough of it', async () => {
  const gym = server(1_000)
  const roster = new Roster(gym, ROOM)
  for (let page = 0; page < 6; page++) {
    const turned = page === 0 ? roster.ask('') : roster.further()
    gym.waiting.at(-1)!()
    await turned
  }
  expect([roster.members.length, roster.more, roster.full, gym.asked.length]).toEqual([LIMITS.LOOK_PEOPLE_MAX, true, true, 4])
  expect(gym.asked.map(({ after }) => after?.name)).toEqual([undefined, 'm49', 'm99', 'm149'])
})

test('the newest question counts, and what failed is asked again', async () => {
  const gym = server(3)
  const roster = new Roster(gym, ROOM)
  const [first, second] = [roster.ask('a'), roster.ask('b')]
  gym.waiting[1]!(new Refused({ code: 'busy', message: '' }))
  await second
  expect([roster.trouble, roster.loading]).toEqual(['busy', false])
  gym.waiting[0]!()
  await first
  expect(roster.members).toEqual([])
  const again = roster.again()
  gym.waiting[2]!()
  await again
  expect([roster.members.length, roster.trouble, gym.asked.map(({ q }) => q)]).toEqual([3, '', ['a', 'b', 'b']])
  roster.put({ ...roster.members[1]!, role: 'moderator' })
  roster.drop(roster.members[0]!.user)
  expect(roster.members.map(({ name, role }) => `${name} ${role}`)).toEqual(['m1 moderator', 'm2 member'])
})
