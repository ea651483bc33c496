import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { countedBpm } from '../src/hr/manual'
import { cyclingPower, heartRate, hex, indoorBike, rower } from '../src/hr/parse'

const view = (text: string) => new DataView(Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16)).buffer)

test('a heart rate with its intervals, narrow, wide, with energy, off the body', () => {
  expect(heartRate(view('1681de01db01'))).toEqual({ bpm: 129, offBody: false, rr: [467, 464] })
  expect(heartRate(view('0680'))).toEqual({ bpm: 128, offBody: false, rr: [] })
  expect(heartRate(view('11 0e01 0004'.replaceAll(' ', '')))).toEqual({ bpm: 270, offBody: false, rr: [1_000] })
  expect(heartRate(view('1882 3412 0004'.replaceAll(' ', '')))!.rr).toEqual([1_000])
  expect(heartRate(view('0400'))!.offBody).toBe(true)
})

test('packets that are cut off give nothing, or what was whole', () => {
  expect(heartRate(view('16'))).toBeUndefined()
  expect(heartRate(view('0180'))).toBeUndefined()
  expect(heartRate(view('1681de'))).toEqual({ bpm: 129, offBody: false, rr: [] })
  expect(indoorBike(view('44'))).toEqual({})
  expect(cyclingPower(view('0000'))).toEqual({ machine: {} })
})

test('every packet of the real ride is read', () => {
  const path = fileURLToPath(new URL('../../recording/data/ble_2a37_from_real_ride.txt', import.meta.url))
  const read = readFileSync(path, 'utf8').trim().split('\n').map((line) => heartRate(view(line.split(' ')[1]!))!)
  expect(read.length).toBe(1_072)
  expect(Math.max(...read.map((each) => each.bpm))).toBe(185)
  // The file has 2,705; a packet holds nine at most.
  expect(read.flatMap((each) => each.rr).length).toBe(2_696)
})

test('a bike and a rower', () => {
  // Speed, cadence 90 rpm (half turns), power 250 W, heart rate 140.
  expect(indoorBike(view('4402 e803 b400 fa00 8c'.replaceAll(' ', '')))).toEqual({ cadence: 90, power: 250, bpm: 140 })
  // Bit 0 set: no stroke data.
  expect(rower(view('2100 c800'.replaceAll(' ', '')))).toEqual({ power: 200 })
  expect(rower(view('2000 38 0500 c800'.replaceAll(' ', '')))).toEqual({ cadence: 28, power: 200 })
})

test('cadence comes from two turns of the crank, over the end of its counter', () => {
  const first = cyclingPower(view('2000 c800 ffff 00fc'.replaceAll(' ', '')))
  expect(first.machine).toEqual({ power: 200 })
  const next = cyclingPower(view('2000 d200 0100 0004'.replaceAll(' ', '')), first.crank)
  expect(next.machine).toEqual({ power: 210, cadence: 60 })
})

test('a packet is shown as it came', () => expect(hex(view('1681de01'))).toBe('16 81 de 01'))

test('a counted pulse is the median gap, and needs a few beats', () => {
  expect(countedBpm([0, 500, 1_000])).toBeUndefined()
  expect(countedBpm([0, 500, 1_000, 1_500, 2_000, 2_900])).toBe(120)
  expect(countedBpm([0, 100, 200, 300, 400, 500])).toBeUndefined()
})
