import { expect, test } from 'vitest'
import { ADDRESS_MAX, linksIn } from '../src/room/links'
import { meantIn, piecesOf } from '../src/room/mentions'
import { BEN, id } from './help/messages'

const found = (text: string) => linksIn(text).map(({ from, to }) => text.slice(from, to))
const EVE = { user: id(3), name: 'Eve' }

test('addresses of the web are found, whatever their letters, and several', () => {
  expect(found('see https://gym.example/plan?a=1&b=2#top and HTTP://other.example')).toEqual(['https://gym.example/plan?a=1&b=2#top', 'HTTP://other.example'])
  expect(found('это https://зал.рф/расписание, а это (http://пример.испытание:8080/я)')).toEqual(['https://зал.рф/расписание', 'http://пример.испытание:8080/я'])
  expect(found('one\nhttps://a.example\nhttps://b.example')).toEqual(['https://a.example', 'https://b.example'])
})

test('what closes the sentence is not part of an address, what its brackets hold is', () => {
  expect(found('https://a.example.')).toEqual(['https://a.example'])
  expect(found('«https://a.example/x»! (https://a.example/y?) "https://a.example/z"…')).toEqual(['https://a.example/x', 'https://a.example/y', 'https://a.example/z'])
  expect(found('https://en.example/wiki/Row_(sport) (https://en.example/wiki/Row_(sport)).')).toEqual(['https://en.example/wiki/Row_(sport)', 'https://en.example/wiki/Row_(sport)'])
  expect(found('[https://a.example/[1]]')).toEqual(['https://a.example/[1]'])
})

test('everything else stays text', () => {
  for (const text of ['www.gym.example', 'gym.example', 'javascript:alert(1)', 'ftp://a.example', 'data:text/html,x', 'xhttps://a.example', 'https://', 'https:// a.example', 'http://.']) expect(found(text), text).toEqual([])
  expect(found('javascript:https://a.example')).toEqual(['https://a.example'])
  expect(found('https://bank.example@evil.example'), 'it does not lead where it seems to').toEqual([])
  expect(found(`https://a.example/\u202egpj`), 'what turns the letters round ends it').toEqual(['https://a.example/'])
  expect(found(`https://a.example/${'x'.repeat(ADDRESS_MAX)}`)).toEqual([])
})

test('addresses and names stand beside each other, and neither breaks the other', () => {
  expect(piecesOf('@Eve https://a.example/@Eve, @Eve', [EVE])).toEqual([
    { text: '@Eve', who: EVE },
    { text: ' ' },
    { text: 'https://a.example/@Eve', href: 'https://a.example/@Eve' },
    { text: ', ' },
    { text: '@Eve', who: EVE },
  ])
  const odd = { user: BEN, name: 'Ben https://b.example' }
  expect(piecesOf('@Ben https://b.example!', [odd])).toEqual([{ text: '@Ben https://b.example', who: odd }, { text: '!' }])
  expect(meantIn('https://a.example/@Eve', [EVE])).toEqual([])
  expect(piecesOf('https://a.example', [])).toEqual([{ text: 'https://a.example', href: 'https://a.example' }])
})
