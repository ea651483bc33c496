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

test('of two people of one name the chosen one is meant, of several the newest', () => {
  const [first, second, third] = [id(5), id(6), id(7)].map((user) => ({ user, name: 'Анна К' }))
  const people = [first!, second!, ...PEOPLE]
  expect(meantIn('@Анна К', people)).toEqual([first!.user])
  expect(meantIn('@Анна К', people, [second!])).toEqual([second!.user])
  expect(meantIn('@Анна К', people, [first!, second!]), 'the first was taken back').toEqual([second!.user])
  expect(meantIn('@Анна К, @Анна К и @Eve', people, [first!, second!])).toEqual([first!.user, second!.user, EVE])
  expect(meantIn('@Анна К', people, [PEOPLE[2]!])).toEqual([first!.user])
  expect(meantIn('@Анна К', [], [third!]), 'of a large room nobody else knows them').toEqual([third!.user])
  expect(meantIn('', people, [second!])).toEqual([])
})

test('where a message means two of one name, each place is of another', () => {
  const people = [BEN, EVE].map((user) => ({ user, name: 'Eve' }))
  expect(piecesOf('@Eve @Eve @Eve', people).flatMap(({ who }) => (who ? [who.user] : []))).toEqual([BEN, EVE, EVE])
})
