import { expect, test } from 'vitest'
import { whereIs } from '../src/pages/coach/where'

const ID = '01A21A66-6d3a-7aaa-8aaa-aaaaaaaaaaaa'

test('an address of the trainer’s pages is a class, a room, the list of rooms or the inbox', () => {
  expect(whereIs('/coach', `?class=${ID}&lang=en`)).toEqual({ place: 'desk', class: ID.toLowerCase() })
  expect(whereIs('/coach/', '?class=x')).toEqual({ place: 'desk', class: undefined })
  expect(whereIs('/coach/chats', '')).toEqual({ place: 'chats' })
  expect(whereIs(`/coach/chats/${ID}`, '?m=7')).toEqual({ place: 'chats', room: ID, message: '7' })
  expect(whereIs('/coach/inbox/', '')).toEqual({ place: 'inbox' })
  for (const odd of ['/coach/inbox/7', '/coach/chats/a/b', '/coach/people']) expect(whereIs(odd, '').place).toBe('desk')
})
