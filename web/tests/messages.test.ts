import { expect, test } from 'vitest'
import { Messages, MESSAGES_MAX, unreadOf } from '../src/room/messages'
import { ANA, BEN, id, message } from './help/messages'

const seqs = (messages: Messages) => messages.list.map((each) => each.seq)

function holding(...numbers: number[]): Messages {
  const messages = new Messages()
  messages.begin(numbers.map((seq) => message(seq)), numbers.at(-1) ?? 0)
  return messages
}

test('the newest come with the snapshot, older ones by pages, each once', () => {
  const messages = holding(40, 41)
  expect(messages.more).toBe(true)
  messages.older([message(38), message(39), message(40)], true)
  messages.older([message(2)], false)
  expect([seqs(messages), messages.more]).toEqual([[2, 38, 39, 40, 41], false])
})

test('a message that comes twice stands there once, and an edit replaces the words', () => {
  const messages = holding(2)
  messages.put(message(3))
  messages.put(message(3))
  messages.put(message(2, BEN, { text: 'other words', edited: 4 }))
  expect(messages.list.map((each) => each.text)).toEqual(['other words', 'text 3'])
})

test('an edit of what is not held is left to its page', () => {
  const messages = holding(40, 41)
  messages.put(message(7, BEN, { text: 'late', edited: 42 }))
  expect(seqs(messages)).toEqual([40, 41])
})

test('a room of which all is held has no older page', () => {
  expect([holding(2, 3).more, holding().more, holding(3).more]).toEqual([false, false, true])
})

test('beyond the bound the oldest go, and can be had again', () => {
  const messages = holding(2)
  for (let seq = 3; seq < MESSAGES_MAX + 5; seq++) messages.put(message(seq))
  expect([messages.list.length, messages.list[0]!.seq, messages.more]).toEqual([MESSAGES_MAX, 5, true])
})

test('unread is what others wrote and nobody took away', () => {
  const messages = new Messages()
  messages.begin([message(2), message(3), message(4, ANA), message(5, BEN, { deleted_by: BEN, text: '' }), message(6)], 6)
  expect(unreadOf(messages, 2, ANA)).toEqual({ count: 2, more: false })
  expect(unreadOf(messages, 6, ANA)).toEqual({ count: 0, more: false })
})

test('of people of whom nothing is shown nothing is unread', () => {
  const messages = new Messages()
  messages.begin([message(2), message(3, ANA), message(4)], 6)
  expect(unreadOf(messages, 1, id(7), (user) => user === BEN)).toEqual({ count: 1, more: false })
})

test('where the first unread one is not held there may be more', () => {
  expect(unreadOf(holding(40, 41), 20, ANA)).toEqual({ count: 2, more: true })
  expect(unreadOf(holding(40, 41), 39, ANA)).toEqual({ count: 2, more: false })
})
