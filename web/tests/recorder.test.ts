import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryKeep } from '../src/net/keep'
import { Recorder } from '../src/net/recorder'
import { Socket } from '../src/net/socket'
import { uuidBytes } from '../src/proto/ids'
import type { Request, Row } from '../src/proto/protocol'
import { FakeSocket } from './help/fake-socket'

const ID = '01a20eb6-f100-7000-8000-000000000001'
const STRAP = { source: 77, kind: 'strap' as const }
const CLOCK = { class_ms: 0, wall_ms: 0, rate: 1 }
const clocks = { now: () => performance.timeOrigin + performance.now(), wall: () => wall() }
let wall = () => clocks.now()

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.all = []
  vi.stubGlobal('WebSocket', FakeSocket)
  wall = () => clocks.now()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A page with its link up, and a clock that was measured. */
async function page(keep = memoryKeep(), up = true) {
  const socket = new Socket({ url: 'ws://gym/v1/ws', token: async () => 't', random: () => 0.5 })
  const recorder = new Recorder(socket, keep, 9, clocks)
  socket.start()
  await recorder.start()
  await vi.advanceTimersByTimeAsync(0)
  if (up) await welcome()
  return { socket, recorder, keep }
}

async function welcome() {
  FakeSocket.last.welcome({ server_time_ms: clocks.now(), clock_rate: 1 })
  await settle()
}

/** Answers clocks, pairs and boots until nothing is asked. */
async function settle() {
  for (let round = 0; round < 12; round++) {
    await vi.advanceTimersByTimeAsync(0)
    for (const [id, body] of FakeSocket.last.sent.splice(0)) {
      asked.push(body)
      if (body.t === 'clock') FakeSocket.last.say(id, { t: 'clock', t0: body.t0, t1: body.t0, t2: body.t0 })
      if (body.t === 'class' && body.act.t === 'pair') FakeSocket.last.say(id, { t: 'done' })
      if (body.t === 'class' && body.act.t === 'boot') FakeSocket.last.say(id, { t: 'booted', offset: body.act.offset })
    }
  }
}

let asked: Request[] = []
beforeEach(() => void (asked = []))
const sent = () => asked.flatMap((body) => (body.t === 'samples' ? body.sources.flatMap(([, first, rows]) => rows.map((row: Row, at) => [body.boot, first + at, row[1]] as const)) : []))
const ack = (boot: number, through: number) => FakeSocket.last.say(0, { t: 'acked', class: uuidBytes(ID), acks: [[9, boot, [[77, through, []]]]] })
const acts = () => asked.flatMap((body) => (body.t === 'class' ? [body.act.t] : []))

async function beat(recorder: Recorder, bpm: number) {
  recorder.measured(STRAP, { bpm })
  for (let half = 0; half < 2; half++) {
    await settle()
    await vi.advanceTimersByTimeAsync(500)
    await settle()
  }
}

test('a sensor is paired and its clock told before the first sample leaves', async () => {
  const { recorder } = await page()
  expect(recorder.measured(STRAP, { bpm: 100 })).toBe(false)
  recorder.record(ID, CLOCK)
  await beat(recorder, 101)
  await beat(recorder, 102)
  expect(acts()).toEqual(['pair', 'boot'])
  expect(sent().map(([, seq, bpm]) => [seq, bpm])).toEqual([[0, 101], [1, 102]])
})

test('what is acknowledged is forgotten, here and over a reload; the rest is not', async () => {
  const { recorder, keep } = await page()
  recorder.record(ID, CLOCK)
  await beat(recorder, 101)
  await beat(recorder, 102)
  ack(sent()[0]![0], 1)
  expect(recorder.state.waiting).toBe(1)
  expect([...keep.rows.values()].map((row) => row.bpm)).toEqual([102])
})

test('what the link did not carry is sent by the next page, under its own boot, once told', async () => {
  const keep = memoryKeep()
  const first = await page(keep, false)
  first.recorder.record(ID, CLOCK)
  first.recorder.measured(STRAP, { bpm: 101 })
  first.recorder.measured(STRAP, { bpm: 102 })
  expect(acts()).toEqual([])
  first.socket.stop()
  first.recorder.stop()

  await vi.advanceTimersByTimeAsync(5_000)
  const { recorder } = await page(keep)
  recorder.record(ID, CLOCK)
  await beat(recorder, 103)
  const boots = new Set(sent().map(([boot]) => boot))
  expect(boots.size).toBe(2)
  expect(sent().map(([, , bpm]) => bpm).sort()).toEqual([101, 102, 103])
  for (const boot of boots) ack(boot, 2)
  expect(recorder.state.waiting).toBe(0)
  expect(keep.boots.size).toBe(1)
})

test('a device that slept begins a new boot, and measures its clock before it tells it', async () => {
  const { recorder } = await page()
  recorder.record(ID, CLOCK)
  await beat(recorder, 101)
  wall = () => clocks.now() + 30_000
  await beat(recorder, 102)
  const clocksAsked = asked.filter((body) => body.t === 'clock').length
  expect(clocksAsked).toBe(10)
  expect(new Set(sent().map(([boot]) => boot)).size).toBe(2)
})

test('no_boot tells the boot again; too late ends it', async () => {
  const { recorder, keep } = await page()
  recorder.record(ID, CLOCK)
  await beat(recorder, 101)
  FakeSocket.last.say(0, { t: 'unwanted', class: uuidBytes(ID), refusal: { code: 'no_boot', message: '' } })
  await beat(recorder, 102)
  expect(acts().filter((act) => act === 'boot').length).toBe(2)
  FakeSocket.last.say(0, { t: 'unwanted', class: uuidBytes(ID), refusal: { code: 'too_late', message: '' } })
  expect([recorder.state.waiting, keep.rows.size, recorder.state.refused?.code]).toEqual([0, 0, 'too_late'])
})
