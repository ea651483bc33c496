import { expect, test } from 'vitest'
import { directRoom, sameUuid } from '../src/proto/ids'
import { ANA, BEN, id } from './help/messages'

test('two people have one room, whoever asks', () => {
  expect(directRoom(ANA, BEN)).toEqual(id(3))
  expect(sameUuid(directRoom(ANA, BEN), directRoom(BEN, ANA))).toBe(true)
  expect(sameUuid(ANA, BEN)).toBe(false)
})
