import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ClassFeed } from '../src/live/feed'
import { Film, type FilmState } from '../src/live/film'
import type { Film as Stretch, Heard } from '../src/proto/protocol'
import { FLAG_FULL, LIMITS } from '../src/proto/layout'
import { pack } from './help/rows'

const ID = '0192f0c0-0000-7000-8000-000000000001'
const STRETCH_MS = LIMITS.FILM_MS_MAX / 2
const BEGINS = 10_000

/** Up to here the class has come. */
let known = Infinity
let failing = false
const asked: [number, number][] = []

/** One person, whose heart rate is the second of the class; words are said each minute. */
async function load(from: number, to: number): Promise<Stretch> {
  asked.push([from, to])
  if (failing) throw new Error('nobody answers')
  const end = Math.min(to, known)
  const heard: Heard[] = []
  for (let at = from; at <= end; at += 1_000) {
    const tick = pack({ tick: heard.length + 1, classMs: at, flags: at === from ? FLAG_FULL : 0, rows: [{ slot: 0, bpm: (at / 1_000) % 200 }] })
    heard.push({ at, what: { t: 'tick', b: tick } })
    if (at % 60_000 === 0) heard.push({ at, what: { t: 'event', e: { t: 'cue', text: String(at) } } })
  }
  const clock = { class_ms: 0, wall_ms: 0, rate: 1 }
  return {
    from, to: end, heard,
    class: { class: new Uint8Array(16), gym: new Uint8Array(16), name: 'HIIT', hall: '2', trainer: 'Ana', activity: 'ride', starts_at_ms: 0, phase: 'live', clock, plan: { version: 1, runs: [] } },
    people: { roster: [{ slot: 0, name: 'Ana' }] },
  }
}

let states: FilmState[] = []
const caughtUp = vi.fn()
const cue = vi.fn()
const nothing = () => {}

async function film(at: number): Promise<{ film: Film; feed: ClassFeed; bpm: () => number }> {
  const made = new Film(load, BEGINS, { moved: (_, state) => states.at(-1) !== state && states.push(state), caughtUp })
  const feed = new ClassFeed(made, ID, { info: nothing, people: nothing, tick: nothing, cue, refused: nothing })
  feed.start()
  made.seek(at)
  await vi.advanceTimersByTimeAsync(0)
  return { film: made, feed, bpm: () => feed.board.bpm[0]! }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  states = []
  asked.length = 0
  known = Infinity
  failing = false
  vi.clearAllMocks()
})
afterEach(() => vi.useRealTimers())

test('a film shows the moment that was asked for, and goes on as the class did', async () => {
  const { feed, bpm } = await film(100_000)
  expect([bpm(), feed.classMs(), feed.people.get(0)?.name]).toEqual([100, 100_000, 'Ana'])
  await vi.advanceTimersByTimeAsync(5_000)
  expect([bpm(), Math.round(feed.classMs())]).toEqual([105, 105_000])
  expect(asked).toEqual([[BEGINS, BEGINS + STRETCH_MS]])
})

test('it runs faster, stands still and goes back, and asks for nothing twice', async () => {
  const { film: shown, feed, bpm } = await film(100_000)
  shown.setSpeed(16)
  await vi.advanceTimersByTimeAsync(2_000)
  expect([bpm(), feed.rate]).toEqual([132, 16])
  shown.play(false)
  await vi.advanceTimersByTimeAsync(60_000)
  expect([bpm(), feed.classMs()]).toEqual([132, 132_000])
  shown.seek(50_000)
  expect([bpm(), shown.state]).toEqual([50, 'paused'])
  shown.play(true)
  shown.setSpeed(1)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(bpm()).toBe(60)
  expect(asked.length).toBe(1)
  expect(cue.mock.calls.map(([text]) => text)).toEqual(['60000', '120000', '60000'])
})

test('from one stretch to the next nothing is missing', async () => {
  const end = BEGINS + STRETCH_MS
  const { film: shown, bpm } = await film(end - 3_000)
  await vi.advanceTimersByTimeAsync(6_000)
  expect([bpm(), states]).toEqual([((end + 3_000) / 1_000) % 200, ['loading', 'playing', 'loading', 'playing']])
  expect(asked).toEqual([[BEGINS, end], [end, end + STRETCH_MS]])
  shown.seek(0)
  expect(bpm()).toBe(BEGINS / 1_000)
})

test('where the class has come no further, it says so', async () => {
  known = 104_000
  const { film: shown } = await film(100_000)
  await vi.advanceTimersByTimeAsync(4_200)
  expect([caughtUp.mock.calls.length, shown.at, shown.state]).toEqual([1, 104_000, 'paused'])
  known = 130_000
  shown.seek(120_000)
  await vi.advanceTimersByTimeAsync(0)
  expect(shown.at).toBe(120_000)
})

test('what could not be had is asked for again', async () => {
  failing = true
  const { film: shown, bpm } = await film(100_000)
  expect(shown.state).toBe('failed')
  failing = false
  await vi.advanceTimersByTimeAsync(2_100)
  expect([shown.state, bpm()]).toEqual(['playing', 100])
})
