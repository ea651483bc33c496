// A pulse counted by hand: one taps with the beat, or types what one has counted. Each count holds for a while, then asks again. Unranked.

import type { Sensor } from '../proto/protocol'
import type { HrSource, SourceState, SourceWatcher } from './source'

/** Fewer taps say too little. */
export const TAPS_MIN = 6
/** A pause ends a count. */
const PAUSE_MS = 2_500
/** A count is repeated to the server for so long: a pulse changes within a minute. */
const HOLDS_MS = 60_000

/** Beats a minute from the moments of taps, by the median of the gaps; none where there are too few. */
export function countedBpm(taps: readonly number[]): number | undefined {
  if (taps.length < TAPS_MIN) return undefined
  const gaps = taps.slice(1).map((at, index) => at - taps[index]!)
  gaps.sort((a, b) => a - b)
  const bpm = Math.round(60_000 / gaps[gaps.length >> 1]!)
  return bpm >= 30 && bpm <= 230 ? bpm : undefined
}

export class ManualSource implements HrSource {
  readonly sensor: Sensor
  readonly name = ''
  state: SourceState = 'off'
  private taps: number[] = []
  private bpm?: number
  private until = 0
  private timer?: ReturnType<typeof setInterval>

  constructor(
    id: number,
    private readonly watcher: SourceWatcher,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.sensor = { source: id, kind: 'manual' }
  }

  async start(): Promise<void> {
    this.set('lost')
    this.timer = setInterval(() => this.repeat(), 1_000)
  }

  stop(): void {
    clearInterval(this.timer)
    this.set('off')
  }

  /** One beat; how many the count has, and what it says. */
  tap(): { taps: number; bpm?: number } {
    const now = this.now()
    if (this.taps.length && now - this.taps.at(-1)! > PAUSE_MS) this.taps = []
    this.taps = [...this.taps.slice(-29), now]
    const bpm = countedBpm(this.taps)
    if (bpm !== undefined) this.count(bpm)
    return { taps: this.taps.length, bpm }
  }

  count(bpm: number): void {
    this.bpm = bpm
    this.until = this.now() + HOLDS_MS
    if (this.state !== 'live') this.set('live')
    this.watcher.sample({ bpm })
  }

  private repeat(): void {
    if (this.bpm === undefined) return
    if (this.now() < this.until) return this.watcher.sample({ bpm: this.bpm })
    this.bpm = undefined
    this.set('lost')
  }

  private set(state: SourceState): void {
    this.state = state
    this.watcher.state(state)
  }
}
