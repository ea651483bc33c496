import { expect, test } from 'vitest'
import { heroOf, type HeroInput } from '../src/live/hero'
import type { OwnRow } from '../src/live/own'
import { zoneBy } from '../src/live/own'
import { SIGNAL } from '../src/proto/layout'

const row = (more: Partial<OwnRow> = {}): OwnRow => ({ slot: 1, bpm: 150, percent: 78, zone: 3, signal: SIGNAL.LIVE, over: false, hand: false, splats: 0, at: 0, since: 0, ...more })
const hero = (more: Partial<HeroInput>) => heroOf({ now: 0, linked: true, worn: true, rate: 1, row: row(), ...more })

test('a fresh row is live; older than 3 s it dims, older than 10 s it is gone', () => {
  expect(hero({ now: 2_900 })).toMatchObject({ look: 'live', bpm: 150, zone: 3 })
  expect(hero({ now: 3_100 })).toMatchObject({ look: 'stale', bpm: 150, ageMs: 3_100 })
  const gone = hero({ now: 10_100 })
  expect([gone.look, gone.bpm, gone.why]).toEqual(['lost', undefined, 'network'])
})

test('the server says that a sensor is silent, and for how long', () => {
  expect(hero({ now: 2_000, row: row({ signal: SIGNAL.STALE, since: 0, at: 2_000 }) })).toMatchObject({ look: 'stale', ageMs: 5_000 })
  expect(hero({ now: 2_000, row: row({ signal: SIGNAL.LOST_SENSOR, since: 0, at: 2_000 }) })).toMatchObject({ look: 'lost', why: 'sensor', ageMs: 12_000 })
})

test('without a link the strap itself is shown, as long as it beats', () => {
  const own = { bpm: 171, at: 0 }
  expect(hero({ linked: false, own, hrMax: 190, now: 500 })).toMatchObject({ look: 'live', from: 'sensor', bpm: 171, zone: 5, percent: 90 })
  expect(hero({ linked: false, own, now: 4_000 }).look).toBe('stale')
  expect(hero({ linked: false, own, now: 11_000 })).toMatchObject({ look: 'lost', why: 'sensor' })
  expect(hero({ linked: false, worn: false })).toMatchObject({ look: 'none', why: 'source' })
})

test('a row that says what the strap no longer says came late: the strap is shown', () => {
  const own = { bpm: 160, at: 4_000 }
  const recent = [{ bpm: 150, at: 0 }, { bpm: 155, at: 2_000 }, own]
  expect(hero({ now: 4_100, row: row({ at: 4_050, bpm: 155 }), own, recent })).toMatchObject({ from: 'class', bpm: 155 })
  expect(hero({ now: 4_100, row: row({ at: 4_050, bpm: 150 }), own, recent })).toMatchObject({ from: 'sensor', bpm: 160 })
})

test('zones begin at the exact ratio', () => {
  expect([94, 95, 113, 114, 133, 152, 170, 171].map((bpm) => zoneBy(bpm, 190))).toEqual([0, 1, 1, 2, 3, 4, 4, 5])
})
