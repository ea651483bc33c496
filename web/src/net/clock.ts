// The server's clock as this page knows it. Everything timed on screen is computed from here, never by counting frames.

const ROUND_TRIPS = 5

/** Local Unix milliseconds that never jump: the wall clock of the page's start plus the monotonic clock. */
export const localNow = (): number => performance.timeOrigin + performance.now()

export class ServerClock {
  /** Milliseconds to add to the local clock. */
  offset = 0
  /** The shortest of the last round trips, milliseconds; infinite until one was made. */
  roundTrip = Infinity
  private trips: { offset: number; roundTrip: number }[] = []

  constructor(private readonly local: () => number = localNow) {}

  /** All round trips of a measurement were made: good enough to stamp with. */
  get measured(): boolean {
    return this.trips.length >= ROUND_TRIPS
  }

  /** Unix milliseconds of the server. */
  now(): number {
    return this.local() + this.offset
  }

  /** The first, coarse value: the server's time as its first frame said it, late by one way. */
  welcome(serverMs: number): void {
    this.trips = []
    this.roundTrip = Infinity
    this.offset = serverMs - this.local()
  }

  /** What was measured no longer holds: the local clock stood still. */
  forget(): void {
    this.trips = []
    this.roundTrip = Infinity
  }

  /** One `Clock` round trip: sent at `t0`, received by the server at `t1`, answered at `t2`, back now. */
  answered(t0: number, t1: number, t2: number): void {
    const t3 = this.local()
    this.trips.push({ offset: (t1 - t0 + (t2 - t3)) / 2, roundTrip: t3 - t0 - (t2 - t1) })
    if (this.trips.length > ROUND_TRIPS) this.trips.shift()
    const offsets = this.trips.map((trip) => trip.offset).sort((a, b) => a - b)
    const middle = offsets.length >> 1
    this.offset = offsets.length % 2 ? offsets[middle]! : (offsets[middle - 1]! + offsets[middle]!) / 2
    this.roundTrip = Math.min(...this.trips.map((trip) => trip.roundTrip))
  }

  /** A round of measurements; `ask` sends one `Clock{t0}` and resolves with its answer. */
  async measure(ask: (t0: number) => Promise<{ t0: number; t1: number; t2: number }>): Promise<void> {
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      const answer = await ask(this.local())
      this.answered(answer.t0, answer.t1, answer.t2)
    }
  }
}
