// How a screen gets its log-in without anybody typing at it: it shows six digits, and claims once a second what a trainer has confirmed.
// It goes on for ever, by itself; the page shows what it is told.

import { ApiError, type LoginAnswer, type PairingCode } from './api'
import { localNow } from './clock'

export const CODE_DIGITS = 6

export interface PairingServer {
  newPairing(): Promise<PairingCode>
  claimPairing(secret: string): Promise<LoginAnswer | undefined>
}

export interface PairingWatcher {
  /** What to show from now on; none while there is no code that is good. */
  code(code: string | undefined): void
  away(away: boolean): void
  /** Said once: nothing is asked after it. */
  paired(login: LoginAnswer): void
}

const CLAIM_EVERY_MS = 1_000
const WAIT_MS_MAX = 5_000
/** A code lives for five minutes by the server's clock, which this page does not know: a minute less, counted here. */
const RENEW_AFTER_MS = 240_000
/** The code that is shown, and the one before it: somebody may be typing it just now. */
const HELD_MAX = 2

export class Pairing {
  /** Newest first. */
  private held: PairingCode[] = []
  private renewAt = 0
  private failures = 0
  private ended = false
  private timer?: ReturnType<typeof setTimeout>

  constructor(
    private readonly server: PairingServer,
    private readonly watcher: PairingWatcher,
  ) {}

  start(): void {
    void this.round()
  }

  stop(): void {
    this.ended = true
    clearTimeout(this.timer)
  }

  private async round(): Promise<void> {
    let waitMs = CLAIM_EVERY_MS
    try {
      for (const each of [...this.held]) await this.claim(each)
      if (!this.ended && (this.held.length === 0 || localNow() >= this.renewAt)) await this.renew()
      this.failures = 0
      if (!this.ended) this.watcher.away(false)
    } catch (error) {
      waitMs = this.failed(error)
    }
    if (!this.ended) this.timer = setTimeout(() => void this.round(), waitMs)
  }

  private async claim(each: PairingCode): Promise<void> {
    if (this.ended) return
    try {
      const login = await this.server.claimPairing(each.secret)
      if (!login || this.ended) return
      this.stop()
      this.watcher.paired(login)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
      // Its time is over, or the server has begun anew.
      if (each === this.held[0]) this.renewAt = 0
      this.held = this.held.filter((other) => other !== each)
    }
  }

  private async renew(): Promise<void> {
    try {
      const next = await this.server.newPairing()
      if (this.ended) return
      this.held = [next, ...this.held].slice(0, HELD_MAX)
      this.renewAt = localNow() + RENEW_AFTER_MS
      this.watcher.code(next.code)
    } catch (error) {
      if (this.held.length === 0 || !isTooFast(error)) throw error
      // What is shown is still good for a while: it goes on being claimed.
      this.renewAt = localNow() + (error.retryAfterMs ?? WAIT_MS_MAX)
    }
  }

  /** How long to wait after this. */
  private failed(error: unknown): number {
    if (this.ended) return 0
    if (this.held.length === 0) this.watcher.code(undefined)
    this.watcher.away(!isTooFast(error))
    if (isTooFast(error)) return error.retryAfterMs ?? WAIT_MS_MAX
    this.failures += 1
    return Math.min(CLAIM_EVERY_MS * 2 ** this.failures, WAIT_MS_MAX)
  }
}

function isTooFast(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 'rate_limited'
}

/** The digits of what somebody typed or pasted: spaces and dashes are as people write them. */
export function cleanCode(text: string): string {
  return text.replace(/\D/g, '').slice(0, CODE_DIGITS)
}

/** As people read it: in threes. */
export function groupsOf(code: string): string[] {
  return code.match(/\d{1,3}/g) ?? []
}
