import { expect, test } from 'vitest'
import { waitMs } from '../src/net/backoff'

const even = () => 0.5

test('a close for the token is mended soon, once', () => {
  expect(waitMs(4501, 0, undefined, even)).toBe(100)
  expect(waitMs(4501, 1, undefined, even)).toBe(1_000)
})

test('a server that goes away or wants quiet is obeyed', () => {
  expect(waitMs(4001, 0, 2_500, even)).toBe(2_500)
  expect(waitMs(4029, 0, undefined, even)).toBe(62_500)
  expect(waitMs(1006, 0, undefined, even)).toBe(500)
})
