import { expect, test } from 'vitest'
import type { NoticeOf } from '../src/proto/protocol'
import { EMPTY, inboxAfter } from '../src/room/inbox'
import { BEN, id } from './help/messages'

const ROOM = id(9)
const mentioned = (seq: number): NoticeOf => ({ t: 'mentioned', place: { room: ROOM, room_name: 'Team', seq, by: BEN, name: 'Ben' } })
const notice = (number: number, seq = number) => ({ number, at_ms: 0, read: false, times: 1, of: mentioned(seq) })
const after = (...events: Parameters<typeof inboxAfter>[1][]) => events.reduce(inboxAfter, EMPTY)
const shown = (...events: Parameters<typeof inboxAfter>[1][]) => after(...events).notices.map(({ number, read }) => [number, read])

test('a notice takes the place of the one that it counts in, and comes once', () => {
  const [one, two] = [notice(1), notice(2)]
  expect(shown({ t: 'noticed', notice: one }, { t: 'noticed', notice: two, instead: 1 }, { t: 'noticed', notice: two })).toEqual([[2, false]])
  const many = Array.from({ length: 60 }, (_, at) => ({ t: 'noticed' as const, notice: notice(at + 1) }))
  expect([shown(...many).length, shown(...many)[0]]).toEqual([50, [11, false]])
})

test('what is read in a room is read in the inbox', () => {
  const room = { room: ROOM, kind: 'team', name: 'Team', read: 6 } as const
  const events = [5, 6, 7].map((seq) => ({ t: 'noticed' as const, notice: notice(seq) }))
  expect(shown(...events, { t: 'in_room', room })).toEqual([[5, true], [6, true], [7, false]])
  expect(shown(...events, { t: 'notices_read', numbers: [7] })).toEqual([[5, false], [6, false], [7, true]])
})

test('what is not wanted is known', () => {
  const off = { t: 'wanted', topic: 'class', wanted: false } as const
  expect([after(off, off).unwanted, after(off, { ...off, wanted: true }).unwanted]).toEqual([['class'], []])
})
