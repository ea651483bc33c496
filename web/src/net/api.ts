// The HTTP side: log-in, the classes of today, what the server says of itself. JSON both ways.

import type { ErrorCode, Phase, Role } from '../proto/protocol'

export interface LoginAnswer {
  token: string
  expires_at_ms: number
  user: string
  gym: string
  role: Role
  name: string
}

export interface ClassInfo {
  class: string
  name: string
  hall: string
  trainer: string
  starts_at_ms: number
  phase: Phase
  people: number
}

export interface About {
  name: string
  build: string
  protocol: [number, number]
  demo: boolean
  accounts?: { email: string; password: string; role: Role; name: string }[]
}

/** `network`: nobody answered; the rest are the server's words. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode | 'network',
    readonly status: number,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message)
  }
}

const REQUEST_MS_MAX = 10_000

async function call<T>(method: 'GET' | 'POST', path: string, options: { token?: string; body?: unknown } = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (options.token) headers.authorization = `Bearer ${options.token}`
  if (options.body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    const signal = AbortSignal.timeout(REQUEST_MS_MAX)
    const body = options.body === undefined ? undefined : JSON.stringify(options.body)
    response = await fetch(path, { method, headers, body, signal, cache: 'no-store' })
  } catch (error) {
    throw new ApiError('network', 0, String(error))
  }
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer as T
  const said = (answer ?? {}) as { code?: ErrorCode; message?: string; retry_after_ms?: number }
  const code = said.code ?? (response.status === 401 ? 'unauthorised' : 'internal')
  throw new ApiError(code, response.status, said.message ?? response.statusText, said.retry_after_ms)
}

export const api = {
  login: (email: string, password: string) => call<LoginAnswer>('POST', '/v1/login', { body: { email, password } }),
  refresh: (token: string) => call<LoginAnswer>('POST', '/v1/token/refresh', { token }),
  classes: (token: string) => call<{ classes: ClassInfo[] }>('GET', '/v1/classes', { token }),
  about: () => call<About>('GET', '/v1/about'),
}
