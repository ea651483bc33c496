import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { pickLocale } from '../src/i18n'
import { en as coachEn } from '../src/i18n/coach-en'
import { ru as coachRu } from '../src/i18n/coach-ru'
import { en } from '../src/i18n/en'
import { pluralIn } from '../src/i18n/plural'
import { coachPseudo, pseudo, roomPseudo } from '../src/i18n/pseudo'
import { en as filmEn } from '../src/i18n/film-en'
import { ru as filmRu } from '../src/i18n/film-ru'
import { en as roomEn } from '../src/i18n/room-en'
import { ru as roomRu } from '../src/i18n/room-ru'
import { ru } from '../src/i18n/ru'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/** Every key with the kind of its value. */
function shape(catalogue: unknown, path = ''): string[] {
  if (typeof catalogue !== 'object' || catalogue === null) return [`${path}:${typeof catalogue}`]
  return Object.entries(catalogue).flatMap(([key, value]) => shape(value, `${path}.${key}`))
}

function leaves(catalogue: unknown): unknown[] {
  return typeof catalogue === 'object' && catalogue !== null ? Object.values(catalogue).flatMap(leaves) : [catalogue]
}

test('every language has every key', () => {
  expect(shape(en)).toEqual(shape(ru))
  expect(shape(pseudo)).toEqual(shape(ru))
  expect(shape(coachEn)).toEqual(shape(coachRu))
  expect(shape(coachPseudo)).toEqual(shape(coachRu))
  expect(shape(filmEn)).toEqual(shape(filmRu))
  expect(shape(roomEn)).toEqual(shape(roomRu))
  expect(shape(roomPseudo)).toEqual(shape(roomRu))
})

test('no text is empty, and English has no Cyrillic', () => {
  for (const text of [...leaves(ru), ...leaves(en), ...leaves(coachRu), ...leaves(coachEn), ...leaves(roomRu), ...leaves(roomEn), ...leaves(filmRu), ...leaves(filmEn)]) expect(text).not.toBe('')
  for (const text of [...leaves(en), ...leaves(coachEn), ...leaves(roomEn), ...leaves(filmEn)]) if (typeof text === 'string') expect(text).not.toMatch(/\p{Script=Cyrillic}/u)
})

test('Russian plurals', () => {
  expect([0, 1, 2, 5, 11, 21, 22, 25, 101].map((count) => ru.wall.people(count))).toEqual([
    '0 участников', '1 участник', '2 участника', '5 участников', '11 участников', '21 участник', '22 участника', '25 участников', '101 участник',
  ])
  expect(pluralIn('ru')(1.5, { one: '# балл', few: '# балла', many: '# баллов', other: '# балла' })).toBe('1,5 балла')
})

test('English plurals', () => {
  expect([0, 1, 2, 21].map((count) => en.wall.people(count))).toEqual(['0 people', '1 person', '2 people', '21 people'])
})

test('the pseudo language is longer by two fifths', () => {
  expect(pseudo.login.submit.length).toBeGreaterThanOrEqual(en.login.submit.length * 1.4)
  expect(pseudo.wall.people(3)).toMatch(/^\[3 people~+\]$/)
})

test('the address decides, then what was chosen, then the browser', () => {
  expect(pickLocale('?lang=en', 'ru', ['ru-RU'])).toBe('en')
  expect(pickLocale('?lang=xx', 'en', ['ru-RU'])).toBe('en')
  expect(pickLocale('', null, ['de-DE', 'en-GB'])).toBe('en')
  expect(pickLocale('', null, ['de-DE'])).toBe('ru')
})

test('Cyrillic stands in ru.ts and nowhere else, and nobody writes З4 for a zone', () => {
  const files = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name)
      return statSync(path).isDirectory() ? files(path) : /\.(ts|svelte|css)$/.test(name) ? [path] : []
    })
  const allowed = [join(SRC, 'i18n/app-ru.ts'), join(SRC, 'i18n/coach-ru.ts'), join(SRC, 'i18n/room-ru.ts'), join(SRC, 'i18n/film-ru.ts'), join(SRC, 'i18n/ru.ts'), join(SRC, 'i18n/plural.ts')]
  for (const path of files(SRC)) {
    const text = readFileSync(path, 'utf8')
    if (!allowed.includes(path)) expect(text, path).not.toMatch(/\p{Script=Cyrillic}/u)
    expect(text, path).not.toMatch(/З\d/u)
  }
})
