import { expect, test } from 'vitest'
import { Drafts } from '../src/room/drafts'

function storage(): Pick<Storage, 'getItem' | 'setItem'> {
  const kept = new Map<string, string>()
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) }
}

test('each room keeps what was begun there, for the next page too', () => {
  const disk = storage()
  new Drafts('ana', disk).keep('a', 'half a sen')
  new Drafts('ana', disk).keep('b', 'other')
  const later = new Drafts('ana', disk)
  expect([later.of('a'), later.of('b'), later.of('c')]).toEqual(['half a sen', 'other', ''])
  expect(new Drafts('ben', disk).of('a')).toBe('')
  later.keep('a', '  ')
  expect(later.of('a')).toBe('')
})

test('whom one chose is kept beside the words, and goes with them', () => {
  const disk = storage()
  new Drafts('ana', disk).keep('a', '@Eve', [['eve', 'Eve']])
  new Drafts('ana', disk).keep('b', 'alone')
  const later = new Drafts('ana', disk)
  expect([later.of('a'), later.besides('a'), later.besides('b')]).toEqual(['@Eve', [['eve', 'Eve']], []])
  later.keep('a', '')
  expect(later.besides('a')).toEqual([])
})

test('the oldest of too many are forgotten', () => {
  const drafts = new Drafts('ana', storage())
  for (let room = 0; room < 60; room++) drafts.keep(String(room), 'text')
  expect([drafts.of('9'), drafts.of('10'), drafts.of('59')]).toEqual(['', 'text', 'text'])
})

test('a storage that is full or spoilt keeps nobody from writing', () => {
  const full = new Drafts('ana', { getItem: () => '{', setItem: () => { throw new Error('full') } })
  full.keep('a', 'text')
  expect(full.of('a')).toBe('')
})
