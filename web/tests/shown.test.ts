import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Shown } from '../src/live/shown'
import type { Person } from '../src/live/tile-model'
import type { Response } from '../src/proto/protocol'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function board(hidden: () => number[]) {
  const people = new Map<number, Person>([
    [0, { name: 'Ana' }],
    [1, { name: 'Ben' }],
  ])
  let [asked, changed] = [0, 0]
  const ask = async (): Promise<Response> => (asked++, { t: 'hidden', class: new Uint8Array(16), slots: hidden() })
  const shown = new Shown(people, ask, () => changed++)
  return { people, shown, asked: () => asked, changed: () => changed, seen: () => [...people.keys()].filter((slot) => shown.has(slot)) }
}

describe('the rows that are shown', () => {
  it('are all where one hides nobody, and nothing is asked', async () => {
    const { shown, seen, asked } = board(() => [1])
    expect(seen()).toEqual([0, 1])
    shown.look(false)
    await vi.runAllTimersAsync()
    expect([seen(), asked()]).toEqual([[0, 1], 0])
  })

  it('leave out whom the server names; nobody new is shown before it has answered', async () => {
    const { people, shown, seen, asked, changed } = board(() => [1])
    shown.look(true)
    expect(seen()).toEqual([])
    await vi.runAllTimersAsync()
    expect([seen(), changed()]).toEqual([[0], 1])
    people.set(2, { name: 'Cem' })
    people.set(0, { name: 'Ana B.' })
    for (let n = 0; n < 5; n++) shown.look(true)
    expect(seen(), 'neither a new one nor a new name').toEqual([])
    await vi.runAllTimersAsync()
    expect([seen(), asked()], 'asked once for all that came together').toEqual([[0, 2], 2])
    shown.look(false)
    expect(seen(), 'taken back').toEqual([0, 1, 2])
  })

  it('are asked for again where the server could not say, until nobody looks', async () => {
    const people = new Map<number, Person>([[0, { name: 'Ana' }]])
    let asked = 0
    const shown = new Shown(people, () => (asked++, Promise.reject(new Error('retry'))), () => {})
    shown.look(true)
    await vi.advanceTimersByTimeAsync(12_000)
    expect([asked, shown.has(0)]).toEqual([3, false])
    shown.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toBe(3)
  })

  it('are not those of an answer that was overtaken', async () => {
    let answers: ((response: Response) => void)[] = []
    const people = new Map<number, Person>([[0, { name: 'Ana' }]])
    const shown = new Shown(people, () => new Promise((resolve) => answers.push(resolve)), () => {})
    const answer = (slots: number[]): Response => ({ t: 'hidden', class: new Uint8Array(16), slots })
    shown.look(true)
    await vi.runAllTimersAsync()
    shown.look(true)
    await vi.runAllTimersAsync()
    answers[1]!(answer([0]))
    await vi.runAllTimersAsync()
    answers[0]!(answer([]))
    await vi.runAllTimersAsync()
    expect(shown.has(0)).toBe(false)
  })
})
