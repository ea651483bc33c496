import { expect, test } from 'vitest'
import { dividerAt, rowsOf, type Row, type Shown } from '../src/room/thread'
import type { Post } from '../src/room/posts'
import { uuidText } from '../src/proto/ids'
import { ANA, BEN, id, message, NOON } from './help/messages'

const DAY_MS = 86_400_000

function post(key: string, more: Partial<Post> = {}): Post {
  return { key, room: 'r', text: key, madeAt: NOON, state: 'waiting', ...more }
}

function said(row: Row): string {
  if (row.t === 'message') return `${row.head ? '+' : ' '}${row.own ? 'me' : row.message.name} ${row.message.seq}`
  if (row.t === 'post') return `${row.head ? '+' : ' '}${row.post.state} ${row.post.text}`
  return row.t
}

const rows = (shown: Partial<Shown>) => rowsOf({ messages: [], posts: [], me: ANA, ...shown }).map(said)

test('messages of one person stand together, until another writes or time passes', () => {
  const messages = [message(2), message(3), message(4, ANA), message(5), message(6, BEN, { at_ms: NOON + 400_000 })]
  expect(rows({ messages })).toEqual(['day', '+Ben 2', ' Ben 3', '+me 4', '+Ben 5', '+Ben 6'])
})

test('each day begins with a line', () => {
  const messages = [message(2), message(3, BEN, { at_ms: NOON + DAY_MS }), message(4, BEN, { at_ms: NOON + DAY_MS + 1 })]
  expect(rows({ messages })).toEqual(['day', '+Ben 2', 'day', '+Ben 3', ' Ben 4'])
})

test('the divider stands before the first that another wrote and nobody took away', () => {
  const messages = [message(2), message(3, ANA), message(4, BEN, { deleted_by: BEN }), message(5), message(6)]
  expect(rows({ messages, divider: 2 })).toEqual(['day', '+Ben 2', '+me 3', '+Ben 4', 'unread', '+Ben 5', ' Ben 6'])
  expect(rows({ messages, divider: 6 })).not.toContain('unread')
})

test('what waits stands at the end and keeps its key when it is there', () => {
  const sent = message(3, ANA)
  const key = uuidText(sent.cmd)
  const before = rowsOf({ messages: [message(2)], posts: [post(key), post('next', { state: 'failed' })], me: ANA })
  expect(before.map(said)).toEqual(['day', '+Ben 2', `+waiting ${key}`, ' failed next'])
  const after = rowsOf({ messages: [message(2), sent], posts: [post(key), post('next', { state: 'failed' })], me: ANA })
  expect(after.map(said)).toEqual(['day', '+Ben 2', '+me 3', ' failed next'])
  expect(after[2]!.key).toBe(before[2]!.key)
})

test('no two lines have one key: a cmd is its author\'s alone, and days may come again', () => {
  const cmd = message(2).cmd
  const clash = [message(2), message(3, ANA, { cmd }), message(4, id(3), { cmd }), message(5, ANA, { cmd })]
  const back = [message(6, BEN, { at_ms: NOON + DAY_MS }), message(7), message(8, BEN, { at_ms: NOON + DAY_MS })]
  const keys = rowsOf({ messages: [...clash, ...back], posts: [], me: ANA }).map(({ key }) => key)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.filter((key) => key === uuidText(cmd)).length).toBe(1)
})

test('what waits is not taken for what another posted under its cmd', () => {
  const cmd = message(9).cmd
  expect(rows({ messages: [message(2, BEN, { cmd })], posts: [post(uuidText(cmd))] })).toEqual(['day', '+Ben 2', `+waiting ${uuidText(cmd)}`])
})

test('the divider moves only where all before was read and nobody looks', () => {
  expect(dividerAt(undefined, { read: 7, unread: 0 }, true)).toBe(undefined)
  expect(dividerAt(3, { read: 7, unread: 0 }, true)).toBe(3)
  expect(dividerAt(3, { read: 7, unread: 0 }, false)).toBe(7)
  expect(dividerAt(3, { read: 3, unread: 2 }, false)).toBe(3)
})
