// Whether the other end of a socket still lives: heartbeats both ways, the echo of ticks, and a question where a board has gone
// quiet, because a dead path gives no close.

import { LIMITS } from '../proto/layout'
import { localNow } from './clock'

/** A board that says nothing for so long is behind: it ticks once a second even where nothing changes. */
const QUIET_MS = 2_500
/** Nothing at all for so long while it is behind: ask, and wait as long for the answer. */
const PROBE_MS = 5_000

export interface Wire {
  /** Sends an empty frame. */
  beat(): void
  /** A question that anybody alive answers. */
  ask(): Promise<unknown>
  /** Echoes ticks; whether the link is behind now. */
  echo(): boolean
  /** Nobody is there. */
  dead(): void
}

export class Vitals {
  private heardAt = 0
  private tickAt = 0
  private sentAt = 0
  private probing = false
  private readonly timers = new Set<ReturnType<typeof setTimeout>>()

  constructor(private readonly wire: Wire) {}

  start(heartbeatMs: number): void {
    this.tickAt = localNow()
    // The first beat is shifted, so that a herd that came back at once does not beat as one.
    this.beat(Math.random() * heartbeatMs, heartbeatMs)
    this.echo()
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
    this.probing = false
  }

  heard(): void {
    this.heardAt = localNow()
  }

  ticked(): void {
    this.tickAt = localNow()
  }

  sent(): void {
    this.sentAt = localNow()
  }

  isQuiet(): boolean {
    return localNow() - this.tickAt > QUIET_MS
  }

  private after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      run()
    }, ms)
    this.timers.add(timer)
  }

  /** An empty frame where nothing was sent for half a heartbeat; silence of a heartbeat and its grace is death. */
  private beat(inMs: number, heartbeatMs: number): void {
    this.after(inMs, () => {
      const now = localNow()
      if (now - this.heardAt > heartbeatMs + LIMITS.HEARTBEAT_GRACE_MS) return this.wire.dead()
      if (now - this.sentAt >= heartbeatMs / 2) {
        this.sentAt = now
        this.wire.beat()
      }
      this.beat(heartbeatMs / 2, heartbeatMs)
    })
  }

  private echo(): void {
    this.after(LIMITS.ECHO_EVERY_MS, () => {
      const behind = this.wire.echo()
      if (behind && localNow() - this.heardAt > PROBE_MS) this.probe()
      this.echo()
    })
  }

  private probe(): void {
    if (this.probing) return
    this.probing = true
    const asked = localNow()
    void this.wire.ask().catch(() => {})
    this.after(PROBE_MS, () => {
      this.probing = false
      if (this.heardAt < asked) this.wire.dead()
    })
  }
}
