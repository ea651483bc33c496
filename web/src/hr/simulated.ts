// A heart that is not there: it rises and falls with the class's target, so that one can try everything without a strap. Unranked.

import type { Sensor } from '../proto/protocol'
import type { HrSource, SourceState, SourceWatcher } from './source'

/** How fast a heart follows effort: about a minute (time constant 58 s). */
const FOLLOWS_S = 58
const REST_BPM = 70

export class SimulatedSource implements HrSource {
  readonly sensor: Sensor
  readonly name = ''
  state: SourceState = 'off'
  private bpm = REST_BPM
  private beats = 0
  private timer?: ReturnType<typeof setInterval>

  /** `aim` says where the heart should go now, bpm. */
  constructor(
    id: number,
    private readonly watcher: SourceWatcher,
    private readonly aim: () => number,
  ) {
    this.sensor = { source: id, kind: 'simulated' }
  }

  async start(): Promise<void> {
    this.state = 'live'
    this.watcher.state('live')
    this.timer = setInterval(() => this.beat(), 1_000)
  }

  stop(): void {
    clearInterval(this.timer)
    this.state = 'off'
    this.watcher.state('off')
  }

  private beat(): void {
    this.bpm += (this.aim() - this.bpm) / (FOLLOWS_S / 4)
    // A breath lasts about four seconds and moves a heart by a few beats.
    const bpm = Math.round(this.bpm + 2 * Math.sin(this.beats++ * (Math.PI / 2)))
    this.watcher.sample({ bpm, rr: [Math.round(60_000 / bpm)] })
  }
}
