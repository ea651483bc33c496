import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { en } from '../src/i18n/room-en'
import { ru } from '../src/i18n/room-ru'

const at = (year: number, month: number, day: number) => new Date(year, month - 1, day, 14, 5).getTime()

beforeEach(() => {
  vi.useFakeTimers()
  vi.setSystemTime(at(2026, 11, 26))
})
afterEach(() => void vi.useRealTimers())

test('a silence says the day on which it ends, where that is not today', () => {
  const now = at(2026, 11, 26) - 60_000
  expect(en.muted(at(2026, 11, 26), now)).toBe('A moderator has silenced you until 14:05.')
  expect(en.muted(at(2026, 11, 27), now)).toBe('A moderator has silenced you until 14:05 on 27 November.')
  expect(ru.muted(at(2026, 11, 26), now)).toBe('Модератор не даёт вам писать до 14:05.')
  expect(ru.muted(at(2026, 11, 27), now)).toBe('Модератор не даёт вам писать до 14:05 27 ноября.')
})

test('days of another year say which', () => {
  const shown = (of: typeof en, when: number) => [of.day(when), of.date(when)]
  expect(shown(en, at(2026, 3, 1))).toEqual([expect.stringMatching(/^Sunday,? 1 March$/), '1 Mar'])
  expect(shown(en, at(2025, 12, 31))).toEqual([expect.stringMatching(/^Wednesday,? 31 December 2025$/), '31 Dec 2025'])
  expect(shown(ru, at(2026, 12, 1))).toEqual(['вторник, 1 декабря', '1 дек.'])
  expect(shown(ru, at(2025, 12, 31))).toEqual([expect.stringMatching(/^среда, 31 декабря 2025/), expect.stringMatching(/^31 дек\. 2025/)])
})
