import { expect, test } from 'vitest'
import { match } from '../src/ui/match'

const ROUTES = { today: '/', chats: '/chats/:id?', summary: '/history/:id' }

test('a part that may be missing is taken where it is there', () => {
  expect(match('/chats', ROUTES)).toEqual({ name: 'chats', params: {} })
  expect(match('/chats/7', ROUTES)).toEqual({ name: 'chats', params: { id: '7' } })
  expect(match('/chats/7/8', ROUTES).name).toBe('missing')
  expect(match('/history', ROUTES).name).toBe('missing')
  expect(match('/', ROUTES).name).toBe('today')
})
