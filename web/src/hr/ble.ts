// A strap, a bike or a rower by Web Bluetooth (Chromium alone has it). A lost connection is dialled again by itself, ever more rarely.

import type { Sensor } from '../proto/protocol'
import { type Crank, cyclingPower, heartRate, hex, indoorBike, type Machine, rower } from './parse'
import { type HrSource, type SourceState, type SourceWatcher, sourceId } from './source'

const HEART_RATE = 0x180d
const CYCLING_POWER = 0x1818
const FITNESS_MACHINE = 0x1826
const BATTERY = 0x180f
const SERVICES = [HEART_RATE, CYCLING_POWER, FITNESS_MACHINE]

const RETRY_MS = [1_000, 2_000, 4_000, 8_000]
/** A dial that neither succeeds nor fails is given up. */
const DIAL_MS_MAX = 10_000
/** Name and kind of a device are kept for the next time. */
const KEY = 'fitconnect.straps'

export const hasBluetooth = (): boolean => typeof navigator !== 'undefined' && 'bluetooth' in navigator

/** Why there may be none although the browser knows the word. */
export async function isBluetoothOn(): Promise<boolean> {
  return hasBluetooth() && (await navigator.bluetooth.getAvailability().catch(() => false))
}

/** Asks the person to choose a device. Throws `NotFoundError` where they close the list. */
export async function chooseDevice(): Promise<BluetoothDevice> {
  return navigator.bluetooth.requestDevice({ filters: SERVICES.map((service) => ({ services: [service] })), optionalServices: [BATTERY, ...SERVICES] })
}

/** Devices that this page may use without asking, where the browser tells. */
export async function knownDevices(): Promise<BluetoothDevice[]> {
  if (!hasBluetooth() || !navigator.bluetooth.getDevices) return []
  return navigator.bluetooth.getDevices().catch(() => [])
}

/** Names of devices that were used here: “connect Polar H10 again”. */
export function usedNames(): string[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]') as string[]
  } catch {
    return []
  }
}

function remember(name: string): void {
  localStorage.setItem(KEY, JSON.stringify([name, ...usedNames().filter((each) => each !== name)].slice(0, 4)))
}

export class BleSource implements HrSource {
  state: SourceState = 'off'
  battery?: number
  private attempt = 0
  private ended = false
  private timer?: ReturnType<typeof setTimeout>
  private crank?: Crank
  /** Listeners of the connection that is: a new one must not hear twice. */
  private unhear: (() => void)[] = []

  private constructor(
    private readonly device: BluetoothDevice,
    readonly sensor: Sensor,
    private readonly watcher: SourceWatcher,
  ) {}

  static async of(device: BluetoothDevice, watcher: SourceWatcher): Promise<BleSource> {
    // A browser hides a device's address: its id here is the same for as long as the permission lasts.
    return new BleSource(device, { source: await sourceId(`ble:${device.id}`), kind: 'strap' }, watcher)
  }

  get name(): string {
    return this.device.name ?? 'Bluetooth'
  }

  async start(): Promise<void> {
    this.device.addEventListener('gattserverdisconnected', this.lost)
    this.set('connecting')
    await this.dial()
  }

  stop(): void {
    this.ended = true
    clearTimeout(this.timer)
    this.device.removeEventListener('gattserverdisconnected', this.lost)
    this.device.gatt?.disconnect()
    this.set('off')
  }

  private set(state: SourceState): void {
    this.state = state
    this.watcher.state(state)
  }

  private lost = (): void => {
    if (this.ended || this.state === 'lost') return
    this.set('lost')
    this.again()
  }

  private again(): void {
    clearTimeout(this.timer)
    const wait = RETRY_MS[Math.min(this.attempt++, RETRY_MS.length - 1)]!
    this.timer = setTimeout(() => void this.dial(), wait)
  }

  private async dial(): Promise<void> {
    const { gatt } = this.device
    if (this.ended || !gatt) return
    const began = performance.now()
    try {
      await within(DIAL_MS_MAX, this.connect(gatt))
      this.attempt = 0
      remember(this.name)
      this.set('live')
    } catch (error) {
      console.warn('the sensor does not answer', error)
      if (this.ended) return
      // A connection that gives nothing is not kept: the next dial begins from the start.
      gatt.disconnect()
      // A device that never spoke to us may be none of ours: say so, and go on trying.
      this.set(this.state === 'connecting' ? 'failed' : this.state)
      // A dial that hung was a wait already.
      if (performance.now() - began >= DIAL_MS_MAX) this.attempt = 0
      this.again()
    }
  }

  private async connect(gatt: BluetoothRemoteGATTServer): Promise<void> {
    for (const stop of this.unhear.splice(0)) stop()
    const server = await gatt.connect()
    let heard = 0
    const follow = async (service: number, characteristic: number, read: (view: DataView) => void) => {
      try {
        const found = await (await server.getPrimaryService(service)).getCharacteristic(characteristic)
        const changed = () => found.value && this.packet(found.value, read)
        found.addEventListener('characteristicvaluechanged', changed)
        this.unhear.push(() => found.removeEventListener('characteristicvaluechanged', changed))
        await found.startNotifications()
        heard++
      } catch (error) {
        // Most devices have one of the services; without any the dial has failed.
        if ((error as DOMException).name !== 'NotFoundError') throw error
      }
    }
    await follow(HEART_RATE, 0x2a37, (view) => this.heart(view))
    await follow(FITNESS_MACHINE, 0x2ad2, (view) => this.machine(indoorBike(view)))
    await follow(FITNESS_MACHINE, 0x2ad1, (view) => this.machine(rower(view)))
    await follow(CYCLING_POWER, 0x2a63, (view) => {
      const { machine, crank } = cyclingPower(view, this.crank)
      this.crank = crank
      this.machine(machine)
    })
    if (heard === 0) throw new Error('no heart rate and no machine here')
    this.battery = await batteryOf(server)
  }

  private packet(view: DataView, read: (view: DataView) => void): void {
    if (this.ended) return
    this.watcher.packet?.(hex(view))
    read(view)
  }

  private heart(view: DataView): void {
    const beat = heartRate(view)
    if (beat) this.watcher.sample({ bpm: beat.offBody ? 0 : beat.bpm, rr: beat.rr.length ? beat.rr : undefined })
  }

  private machine({ bpm, power, cadence }: Machine): void {
    if (bpm === undefined && power === undefined && cadence === undefined) return
    this.watcher.sample({ bpm: bpm ?? 0, power, cadence })
  }
}

async function batteryOf(server: BluetoothRemoteGATTServer): Promise<number | undefined> {
  try {
    const level = await (await server.getPrimaryService(BATTERY)).getCharacteristic(0x2a19)
    return (await level.readValue()).getUint8(0)
  } catch {
    return undefined
  }
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
