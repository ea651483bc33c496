import { beforeEach, expect, test, vi } from 'vitest'
import { ClassFeed } from '../src/live/feed'
import type { Follower } from '../src/net/topics'
import type { Socket } from '../src/net/socket'
import type { ClassEvent, Phase, PlanAction, Snapshot } from '../src/proto/protocol'
import { FLAG_FULL, PHASES } from '../src/proto/layout'
import { pack } from './help/rows'

const ID = '0192f0c0-0000-7000-8000-000000000001'

let now = 0
const followers = new Map<string, Follower>()
const link = { state: 'live' }
const watcher = { info: vi.fn(), people: vi.fn(), tick: vi.fn(), cue: vi.fn(), refused: vi.fn() }

function follow(name: string, follower: Follower): () => void {
  followers.set(name, follower)
  return () => followers.delete(name)
}

function feed(phase: Phase = 'live', rate = 1): ClassFeed {
  const made = new ClassFeed({ clock: { now: () => now }, link, follow } as unknown as Socket, ID, watcher)
  made.start()
  const snapshot = {
    t: 'class', class: new Uint8Array(16), gym: new Uint8Array(16), name: 'HIIT', hall: '2', trainer: 'Ana', activity: 'ride',
    starts_at_ms: 0, phase, clock: { class_ms: 0, wall_ms: 0, rate }, plan: { version: 1, runs: [] },
  } satisfies Snapshot
  followers.get(`class:${ID}`)!.snapshot!(snapshot)
  return made
}

const board = () => followers.get(`class:${ID}:board`)!
const tell = (event: ClassEvent) => board().event!(event)

beforeEach(() => {
  vi.resetAllMocks()
  now = 0
  link.state = 'live'
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})

test('class time runs at its rate', () => {
  const class_ = feed('live', 20)
  now = 1_500
  expect(class_.classMs()).toBe(30_000)
})

test('where class time runs fast nothing ages between quiet ticks; a longer silence is the age of all', () => {
  const class_ = feed('live', 20)
  board().tick!(pack({ tick: 1, classMs: 0, flags: FLAG_FULL, rows: [{ slot: 0, bpm: 120 }] }))
  now = 1_200
  expect(class_.silentMs()).toBe(0)
  now = 2_500
  expect(class_.silentMs()).toBe(50_000)
})

test('in real time every silence counts', () => {
  const class_ = feed('live')
  board().tick!(pack({ tick: 1, classMs: 0, flags: FLAG_FULL, rows: [{ slot: 0, bpm: 120 }] }))
  now = 1_200
  expect([class_.silentMs(), class_.isSilent()]).toEqual([1_200, false])
  now = 2_100
  expect(class_.isSilent()).toBe(true)
})

test('a class that is over may be silent, unless nobody is there to speak', () => {
  const class_ = feed('settled')
  board().tick!(pack({ tick: 1, classMs: 0, phase: PHASES.indexOf('settled'), rows: [{ slot: 0 }] }))
  now = 60_000
  expect(class_.silentMs()).toBe(0)
  link.state = 'offline'
  expect(class_.silentMs()).toBe(60_000)
})

test('people come, are renamed and go', () => {
  const class_ = feed()
  board().snapshot!({ t: 'board', roster: [{ slot: 0, name: 'Ana', seat: '3' }, { slot: 1, name: 'Oleg' }] })
  board().tick!(pack({ tick: 1, flags: FLAG_FULL, rows: [{ slot: 0, bpm: 120 }, { slot: 1, bpm: 90 }] }))
  tell({ t: 'roster', entries: [{ slot: 0, name: 'Lynx', seat: '3' }] })
  expect(class_.people.get(0)).toEqual({ name: 'Lynx', seat: '3' })
  tell({ t: 'gone', slots: [1] })
  expect([class_.people.has(1), class_.board.present[1]]).toEqual([false, 0])
  expect(watcher.people).toHaveBeenCalledTimes(3)
})

test('a new roster replaces the old one whole', () => {
  const class_ = feed()
  board().snapshot!({ t: 'board', roster: [{ slot: 0, name: 'Ana' }] })
  board().snapshot!({ t: 'board', roster: [{ slot: 5, name: 'Vera' }] })
  expect([...class_.people.keys()]).toEqual([5])
})

test('phase, plan and cue reach the screen', () => {
  const class_ = feed('lobby')
  followers.get(`class:${ID}`)!.event!({ t: 'phase', phase: 'aborted', at: 0, reason: 'fire drill' })
  expect([class_.phase, class_.reason, class_.ended()]).toEqual(['aborted', 'fire drill', true])
  followers.get(`class:${ID}`)!.event!({ t: 'cue', text: 'Breathe' })
  expect(watcher.cue).toHaveBeenCalledWith('Breathe')
  expect(watcher.info).toHaveBeenCalledTimes(2)
})

test('the desk follows the same class with other eyes, and hears who needs a look', () => {
  const attention = vi.fn()
  const made = new ClassFeed({ clock: { now: () => now }, link, follow } as unknown as Socket, ID, { ...watcher, attention }, 'desk')
  made.start()
  const desk = followers.get(`class:${ID}:desk`)!
  const list = { items: [], more: 2 }
  desk.snapshot!({ t: 'board', roster: [{ slot: 0, name: 'Ana', desk: { guest: false, zones_off: false, ranked: true, hr_max_low: false, sensors: [] } }], attention: list })
  expect(made.people.get(0)!.desk!.ranked).toBe(true)
  desk.attention!({ items: [], more: 3 })
  expect(attention.mock.calls.map(([each]) => each.more)).toEqual([2, 3])
})

test('a move that is told ahead is counted down to, and holds from then on', () => {
  const made = feed()
  followers.get(`class:${ID}`)!.event!({ t: 'plan', id: 1, action: { t: 'next' }, at: 3_000, undone: false, plan: { version: 2, runs: [] } })
  now = 1_000
  expect([made.coming()!.leftMs, made.plan.version]).toEqual([2_000, 1])
  now = 3_000
  expect([made.coming(), made.plan.version]).toEqual([undefined, 2])
})

test('a phase is made by moves when they take effect, and by what ticks say', () => {
  vi.useFakeTimers()
  const made = feed('lobby')
  const tell = (id: number, action: PlanAction, at: number, undone = false) =>
    followers.get(`class:${ID}`)!.event!({ t: 'plan', id, action, at, undone, plan: { version: id, runs: [] } })
  tell(1, { t: 'start' }, 3_000)
  expect(made.phase).toBe('lobby')
  watcher.info.mockClear()
  now = 3_000
  vi.advanceTimersByTime(3_000)
  expect([made.phase, watcher.info.mock.calls.length]).toEqual(['live', 1])
  tell(2, { t: 'pause' }, 3_100)
  now = 3_200
  expect(made.phase).toBe('paused')
  tell(2, { t: 'pause' }, 3_100, true)
  expect(made.phase).toBe('live')
  board().tick!(pack({ tick: 1, classMs: 3_200, phase: PHASES.indexOf('cooling'), rows: [] }))
  expect(made.phase).toBe('cooling')
  made.stop()
  vi.useRealTimers()
})
