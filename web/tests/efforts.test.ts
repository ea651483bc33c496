import { expect, test } from 'vitest'
import { bestMean, byMinute, thinned } from '../src/pages/app/efforts'
import { match } from '../src/ui/match'

const beats = (values: number[], from = 0) => values.map((value, at) => ({ at: from + at * 1_000, value }))

test('the best minute is found, and none is made over a hole', () => {
  const ride = beats([...Array<number>(60).fill(120), ...Array<number>(60).fill(160), ...Array<number>(60).fill(130)])
  expect(bestMean(ride, 60)).toBe(160)
  expect(bestMean(ride, 181)).toBeUndefined()
  const broken = [...beats(Array<number>(40).fill(170)), ...beats(Array<number>(40).fill(170), 60_000)]
  expect(bestMean(broken, 60)).toBeUndefined()
  expect(bestMean(broken, 30)).toBe(170)
})

test('a minute without data stays empty', () => {
  expect(byMinute([...beats([100, 110]), ...beats([150], 120_000)], 0, 180_000)).toEqual([105, undefined, 150])
})

test('a thinned line keeps its peaks', () => {
  const ride = beats(Array.from({ length: 3_600 }, (_, at) => (at === 1_801 ? 199 : 120 + (at % 7))))
  const thin = thinned(ride, 300)
  expect(thin.length).toBeLessThanOrEqual(300)
  expect(Math.max(...thin.map((each) => each.value))).toBe(199)
  expect(thin.every((each, at) => at === 0 || each.at >= thin[at - 1]!.at)).toBe(true)
})

test('places by their path', () => {
  const routes = { home: '/', one: '/class/:id' }
  expect(match('/', routes)).toEqual({ name: 'home', params: {} })
  expect(match('/class/a%20b', routes)).toEqual({ name: 'one', params: { id: 'a b' } })
  expect(match('/class', routes).name).toBe('missing')
  expect(match('/class/%zz', routes).name).toBe('missing')
})
