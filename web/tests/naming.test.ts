import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Mention } from '../src/proto/protocol'
import { Naming } from '../src/room/naming'
import { ANA, BEN } from './help/messages'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A server that answers when the test says so. */
function page() {
  const asked: string[] = []
  const answers: ((found: Mention[] | Error) => Promise<void>)[] = []
  const came = vi.fn()
  const find = (q: string) =>
    new Promise<Mention[]>((resolve, reject) => {
      asked.push(q)
      answers.push(async (found) => {
        found instanceof Error ? reject(found) : resolve(found)
        await vi.advanceTimersByTimeAsync(0)
      })
    })
  return { naming: new Naming(find, came), asked, answers, came }
}

test('what one types after an @ is asked for when one stops, from two letters on', async () => {
  const { naming, asked, answers, came } = page()
  for (const before of ['@', '@a', 'no name', 'so, @an', 'so, @ana']) naming.typed(before)
  await vi.advanceTimersByTimeAsync(150)
  expect(asked).toEqual([])
  await vi.advanceTimersByTimeAsync(100)
  expect(asked).toEqual(['ana'])
  await answers[0]!([{ user: ANA, name: 'Ana' }])
  expect([naming.found.length, came.mock.calls.length]).toEqual([1, 1])
  naming.typed('so, @a')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked.length).toBe(1)
})

test('the newest question counts, and none when one has chosen or looked away', async () => {
  const { naming, answers, came } = page()
  naming.typed('@an')
  await vi.advanceTimersByTimeAsync(250)
  naming.typed('@be')
  await vi.advanceTimersByTimeAsync(250)
  await answers[1]!([{ user: BEN, name: 'Ben' }])
  await answers[0]!([{ user: ANA, name: 'Ana' }])
  expect(naming.found.map(({ name }) => name)).toEqual(['Ben'])
  naming.typed('@ben')
  await vi.advanceTimersByTimeAsync(250)
  naming.stop()
  await answers[2]!(new Error('refused'))
  naming.typed('@ben')
  naming.stop()
  await vi.advanceTimersByTimeAsync(250)
  expect([answers.length, came.mock.calls.length]).toEqual([3, 1])
})
