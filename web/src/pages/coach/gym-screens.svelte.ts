// The gym's screens: which are paired, how one comes to them by its code, and how one goes. State without looks.

import { ApiError, type ClassInfo } from '../../net/api'
import type { Screen } from '../../net/screens'
import type { Phase } from '../../proto/protocol'
import { needsLogin } from '../../net/auth'
import { CODE_DIGITS } from '../../net/pairing'

export interface ScreensServer {
  screens(): Promise<{ screens: Screen[] }>
  pair(code: string, hall: string, name: string): Promise<Screen>
  unpair(user: string): Promise<unknown>
  /** It takes our log-in no more. */
  refused(): void
}

/** What is wrong, and with which field; without one, with the whole. Beside these, `code` is the server's word. */
export interface Trouble {
  field?: 'code' | 'hall'
  code: 'code_short' | 'hall_missing' | 'unknown' | (string & {})
}

const LOCKED_MS = 60_000
const LOCK_LOOK_MS = 1_000

export class GymScreens {
  /** None while they are not known. */
  list = $state.raw<Screen[]>()
  /** Why the list could not be had, or one screen not be unpaired. */
  listTrouble = $state<string>()
  trouble = $state.raw<Trouble>()
  /** Too many wrong codes: nothing is tried for so long. */
  lockedS = $state(0)
  working = $state(false)
  private timer?: ReturnType<typeof setInterval>

  constructor(private readonly server: ScreensServer) {}

  async load(): Promise<void> {
    try {
      this.list = sorted((await this.server.screens()).screens)
      this.listTrouble = undefined
    } catch (error) {
      this.listTrouble = this.codeOf(error)
    }
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** The new screen; none where it did not come to it: then `trouble` or `lockedS` says why. */
  async pair(code: string, hall: string, name: string): Promise<Screen | undefined> {
    if (this.working || this.lockedS > 0) return
    this.trouble = code.length < CODE_DIGITS ? { field: 'code', code: 'code_short' } : hall === '' ? { field: 'hall', code: 'hall_missing' } : undefined
    if (this.trouble) return
    this.working = true
    try {
      const screen = await this.server.pair(code, hall, name)
      this.list = sorted([...(this.list ?? []).filter((each) => each.user !== screen.user), screen])
      return screen
    } catch (error) {
      if (error instanceof ApiError && error.code === 'rate_limited') this.lock(error.retryAfterMs ?? LOCKED_MS)
      else if (error instanceof ApiError && error.status === 404) this.trouble = { field: 'code', code: 'unknown' }
      else this.trouble = { code: this.codeOf(error) }
      return
    } finally {
      this.working = false
    }
  }

  /** True where it is gone now, whoever has unpaired it. */
  async unpair(user: string): Promise<boolean> {
    try {
      await this.server.unpair(user)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) {
        this.listTrouble = this.codeOf(error)
        return false
      }
    }
    this.list = this.list?.filter((each) => each.user !== user)
    this.listTrouble = undefined
    return true
  }

  private lock(ms: number): void {
    const until = performance.now() + ms
    const look = () => {
      this.lockedS = Math.max(0, Math.ceil((until - performance.now()) / 1_000))
      if (this.lockedS === 0) clearInterval(this.timer)
    }
    clearInterval(this.timer)
    this.timer = setInterval(look, LOCK_LOOK_MS)
    look()
  }

  private codeOf(error: unknown): string {
    if (needsLogin(error)) this.server.refused()
    return error instanceof ApiError ? error.code : 'internal'
  }
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true })

function sorted(screens: Screen[]): Screen[] {
  return [...screens].sort((a, b) => COLLATOR.compare(a.hall, b.hall) || COLLATOR.compare(a.name, b.name))
}

const OVER: readonly Phase[] = ['finished', 'settled', 'cancelled', 'aborted']

/** The hall that is meant most likely: of the class at hand, else of the one that runs, else of the one that begins next. */
export function likelyHall(classes: readonly ClassInfo[], id: string | undefined): string {
  const next = classes.filter(({ phase }) => !OVER.includes(phase)).sort((a, b) => a.starts_at_ms - b.starts_at_ms)[0]
  return (classes.find((each) => each.class === id) ?? next)?.hall ?? ''
}

export function hallsOf(classes: readonly ClassInfo[]): string[] {
  return [...new Set(classes.map(({ hall }) => hall))].sort(COLLATOR.compare)
}
