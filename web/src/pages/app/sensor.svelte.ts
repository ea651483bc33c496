// The one source of heart rate that this device has now, and what it says.

import { BleSource, chooseDevice, knownDevices, usedNames } from '../../hr/ble'
import { ManualSource } from '../../hr/manual'
import { SimulatedSource } from '../../hr/simulated'
import { type HrSource, type SourceState, sourceId } from '../../hr/source'
import { localNow } from '../../net/clock'
import type { Measured } from '../../net/outbox'
import { receiver, recorder } from './store.svelte'

/** Raw packets kept for the signal test. */
const PACKETS_MAX = 12
const RECENT_MS = 5_000

let source = $state.raw<HrSource>()
let state = $state<SourceState>('off')
let own = $state.raw<{ bpm: number; at: number }>()
/** The last seconds of it. */
let recent: { bpm: number; at: number }[] = []
let packets = $state.raw<{ at: number; hex: string }[]>([])
let packetCount = $state(0)
let rr = $state.raw<number[]>([])
let battery = $state<number>()
let aim = 120

export const sourceNow = () => source
export const sourceStateNow = () => state
export const ownNow = () => own
export const recentNow = () => recent
export const packetsNow = () => packets
export const packetCountNow = () => packetCount
export const rrNow = () => rr
export const batteryNow = () => battery

/** Where a simulated heart should go, bpm. */
export function setAim(bpm: number): void {
  aim = bpm
}

const watcher = {
  state(next: SourceState) {
    state = next
    battery = source?.battery
  },
  sample(sample: Measured) {
    if (!source) return
    const at = localNow()
    if (sample.bpm > 0) {
      own = { bpm: sample.bpm, at }
      recent = [...recent.filter((each) => at - each.at < RECENT_MS), own]
    }
    if (sample.rr?.length) rr = [...rr, ...sample.rr].slice(-8)
    battery = source.battery
    recorder.measured(source.sensor, sample, at)
  },
  packet(hex: string) {
    packetCount++
    packets = [{ at: localNow(), hex }, ...packets].slice(0, PACKETS_MAX)
  },
}

async function use(next: HrSource): Promise<void> {
  stopSource()
  source = next
  recorder.wear(next.sensor)
  await next.start()
}

export function stopSource(): void {
  source?.stop()
  source = undefined
  state = 'off'
  own = undefined
  recent = []
  battery = undefined
  packets = []
  packetCount = 0
  rr = []
}

/** Asks for a device and connects it. False where the person chose none. */
export async function useBluetooth(): Promise<boolean> {
  let device: BluetoothDevice
  try {
    device = await chooseDevice()
  } catch (error) {
    if ((error as DOMException).name === 'NotFoundError') return false
    throw error
  }
  await use(await BleSource.of(device, watcher))
  return true
}

/** A strap of last time, where the browser gives it without asking. */
export async function useKnown(): Promise<void> {
  if (source) return
  const [last] = usedNames()
  const device = (await knownDevices()).find((each) => each.name === last)
  if (device && !source) await use(await BleSource.of(device, watcher))
}

export async function useManual(): Promise<ManualSource> {
  const manual = new ManualSource(await sourceId(`manual:${receiver}`), watcher)
  await use(manual)
  return manual
}

export async function useSimulated(): Promise<void> {
  await use(new SimulatedSource(await sourceId(`simulated:${receiver}`), watcher, () => aim))
}
