import { expect, test } from 'vitest'
import { type Asked, deskLines, together } from '../src/room/front-desk'
import type { Message } from '../src/proto/protocol'
import { uuidBytes } from '../src/proto/ids'

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const [ANA, BEN, TOM] = [id(1), id(2), id(3)]
const last = (by: string, at_ms: number, more: Partial<Asked['last']> = {}) => ({ at_ms, by, name: `name of ${by.at(-1)}`, text: `at ${at_ms}`, picture: false, deleted: false, ...more })
const asked = (room: number, by: string, said?: Asked['last']): Asked => ({ room: id(room), name: `room ${room}`, people: 1, maker: { user: by, name: 'maker' }, last: said })
const message = (by: string, at_ms: number): Message => ({ seq: 5, at_ms, by: uuidBytes(by), name: 'now', cmd: uuidBytes(id(99)), text: 'newer' })

test('what was written last stands first, and what its maker wrote last waits', () => {
  const lines = deskLines([asked(10, ANA, last(ANA, 50)), asked(11, BEN, last(TOM, 60)), asked(12, BEN)], [])
  expect(lines.map(({ id: room, waits }) => [room, waits])).toEqual([
    [id(11), false],
    [id(10), true],
    [id(12), false],
  ])
})

test('a question that was taken back waits for nobody', () => {
  expect(deskLines([asked(10, ANA, last(ANA, 50, { text: '', deleted: true }))], []).map(({ waits }) => waits)).toEqual([false])
})

test('a room that this page follows is as it is now', () => {
  const list = [asked(10, ANA, last(ANA, 50)), asked(11, BEN, last(BEN, 40))]
  const lines = deskLines(list, [{ id: id(11), name: 'room 11', last: message(TOM, 70) }, { id: id(10), name: 'room 10' }])
  expect(lines.map((each) => [each.id, each.waits, each.followed, each.last?.text])).toEqual([
    [id(11), false, true, 'newer'],
    [id(10), true, true, 'at 50'],
  ])
})

test('a list that is newer than what is followed is believed', () => {
  const [line] = deskLines([asked(10, ANA, last(ANA, 90))], [{ id: id(10), name: 'room 10', last: message(TOM, 70) }])
  expect([line?.last?.text, line?.waits]).toEqual(['at 90', true])
})

test('a room that the page of the list does not reach is there all the same', () => {
  const lines = deskLines([], [{ id: id(10), name: 'room 10', last: message(BEN, 70) }])
  expect(lines).toEqual([expect.objectContaining({ id: id(10), name: 'room 10', waits: false })])
})

test('a newer page takes the place of what it tells, and leaves the rest', () => {
  const before = [asked(10, ANA, last(ANA, 50)), asked(11, BEN, last(BEN, 40))]
  const fresh = [asked(12, TOM, last(TOM, 60)), asked(10, ANA, last(TOM, 55))]
  expect(together(fresh, before).map(({ room, last: said }) => [room, said?.at_ms])).toEqual([
    [id(12), 60],
    [id(10), 55],
    [id(11), 40],
  ])
})
