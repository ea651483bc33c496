import { expect, test } from 'vitest'
import { askedFor, meantIn, piecesOf } from '../src/room/mentions'
import { ANA, BEN, id } from './help/messages'

const EVE = id(3)
const PEOPLE = [
  { user: ANA, name: 'Анна Королёва' },
  { user: BEN, name: 'Анна К' },
  { user: EVE, name: 'Eve' },
]

test('whom one begins to name is offered, by any word of the name', () => {
  const names = (before: string) => askedFor(before, PEOPLE)?.people.map(({ name }) => name)
  expect(names('@')).toEqual(['Анна Королёва', 'Анна К', 'Eve'])
  expect(names('привет, @королев')).toEqual(['Анна Королёва'])
  expect(names('@Анна К')).toEqual(['Анна Королёва', 'Анна К'])
  expect(askedFor('so, @ev', PEOPLE)).toEqual({ from: 4, people: [PEOPLE[2]] })
  expect([names('ana@ev'), names('@eve said'), names('@x'), names('')]).toEqual([undefined, undefined, undefined, undefined])
})

test('the longest name counts, and a name ends where the word ends', () => {
  expect(piecesOf('@Анна Королёва, @Анна К!', PEOPLE)).toEqual([
    { text: '@Анна Королёва', who: PEOPLE[0] },
    { text: ', ' },
    { text: '@Анна К', who: PEOPLE[1] },
    { text: '!' },
  ])
  expect(piecesOf('@Evelyn', PEOPLE)).toEqual([{ text: '@Evelyn' }])
  expect(piecesOf('', PEOPLE)).toEqual([{ text: '' }])
  expect(meantIn('@Eve @Eve @Анна К @', PEOPLE)).toEqual([EVE, BEN])
})
