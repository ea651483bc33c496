// The log-in of this browser: kept over reloads, refreshed before it ends.

import { api, ApiError, type LoginAnswer } from './api'
import type { Role } from '../proto/protocol'
import { LoginNeeded } from './socket'

const KEY = 'fitconnect.login'
/** Refreshed so long before its end: a screen that sleeps for a minute must not wake without a token. */
const REFRESH_BEFORE_MS = 120_000

export function currentLogin(): LoginAnswer | undefined {
  try {
    const login = JSON.parse(localStorage.getItem(KEY) ?? 'null') as LoginAnswer | null
    return login && typeof login.token === 'string' ? login : undefined
  } catch {
    return undefined
  }
}

export function keepLogin(login: LoginAnswer): void {
  localStorage.setItem(KEY, JSON.stringify(login))
}

export function forgetLogin(): void {
  localStorage.removeItem(KEY)
}

let refreshing: Promise<string> | undefined

/**
 * A token that is good for a while at `nowMs` of the server's clock. Throws `LoginNeeded` where the server no longer takes ours,
 * `ApiError` where nobody answers.
 */
export async function goodToken(refused: boolean, nowMs: number): Promise<string> {
  const login = currentLogin()
  if (!login) throw new LoginNeeded()
  if (!refused && login.expires_at_ms - nowMs > REFRESH_BEFORE_MS) return login.token
  refreshing ??= refresh(login.token).finally(() => (refreshing = undefined))
  return refreshing
}

/** Asks with a token. One that is refused is refreshed once: this browser's clock may be wrong. */
export async function asking<T>(nowMs: number, ask: (token: string) => Promise<T>): Promise<T> {
  try {
    return await ask(await goodToken(false, nowMs))
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
  }
  return ask(await goodToken(true, nowMs))
}

/** Whether only a new log-in helps. */
export function needsLogin(error: unknown): boolean {
  return error instanceof LoginNeeded || (error instanceof ApiError && error.status === 401)
}

async function refresh(token: string): Promise<string> {
  try {
    const fresh = await api.refresh(token)
    keepLogin(fresh)
    return fresh.token
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error
    forgetLogin()
    throw new LoginNeeded()
  }
}

/** Where a page goes to have somebody log in, and where it comes back to. */
export function loginAddress(next: string): string {
  return `/login?next=${encodeURIComponent(next)}`
}

/** Where each role begins. */
export function homeOf(role: Role): string {
  if (role === 'member') return '/app'
  return role === 'trainer' || role === 'admin' ? '/coach' : '/tv'
}

/** A path of this site and nothing else, so that a link cannot send a fresh log-in elsewhere; none where nothing was asked for. */
export function safeNext(next: string | null, origin: string): string | undefined {
  if (!next) return undefined
  const url = new URL(next, origin)
  return url.origin === origin && url.pathname !== '/login' ? url.pathname + url.search : undefined
}
