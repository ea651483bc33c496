import { expect, test } from 'vitest'
import { Outbox, OUTBOX_ROWS_MAX, RESEND_MS } from '../src/net/outbox'

const filled = (rows: number) => {
  const outbox = new Outbox(5)
  for (let ms = 0; ms < rows; ms++) outbox.push(ms * 1_000, { bpm: 100 })
  return outbox
}
/** `first+length` of each run handed out. */
const due = (outbox: Outbox, now: number, max = 600) => outbox.takeDue(now, max).map((run) => `${run[0]!.seq}+${run.length}`)

test('a row is sent once until five seconds have passed', () => {
  const outbox = filled(2)
  expect(due(outbox, 0)).toEqual(['0+2'])
  expect(due(outbox, RESEND_MS - 1)).toEqual([])
  outbox.push(2_000, { bpm: 101 })
  expect(due(outbox, RESEND_MS - 1)).toEqual(['2+1'])
  expect(due(outbox, RESEND_MS)).toEqual(['0+2'])
})

test('what is on disk goes, what lies between stays and is sent again after a reconnect', () => {
  const outbox = filled(5)
  due(outbox, 0)
  expect(outbox.acknowledged([5, 1, [[2, 4]]])).toEqual([0, 2, 3])
  expect(outbox.acknowledged([6, 5, []])).toEqual([])
  outbox.reconnected()
  expect(due(outbox, 1)).toEqual(['1+1', '4+1'])
})

test('a frame takes no more than it can hold', () => {
  const outbox = filled(10)
  expect(due(outbox, 0, 4)).toEqual(['0+4'])
  expect(due(outbox, 0, 4)).toEqual(['4+4'])
})

test('kept rows go on counting where they ended', () => {
  const outbox = new Outbox(5)
  outbox.restore({ seq: 7, ms: 0, bpm: 90 })
  expect(outbox.push(1, { bpm: 91 })!.seq).toBe(8)
})

test('a full outbox refuses the newest', () => {
  const outbox = filled(OUTBOX_ROWS_MAX)
  expect(outbox.push(0, { bpm: 1 })).toBeUndefined()
  outbox.acknowledged([5, 1, []])
  expect(outbox.push(0, { bpm: 1 })).toBeDefined()
})
