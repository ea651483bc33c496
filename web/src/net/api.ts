// The HTTP side: log-in, the classes of today, what the server says of itself. JSON both ways.

import type { Activity, ErrorCode, MemberSummary, Phase, ReportReason, Role, RoomKind } from '../proto/protocol'

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

export interface Summaries {
  /** Newest first; a class may come again with a higher version. */
  summaries: MemberSummary[]
  next?: number
}

export interface Imported {
  class: string
  summary: MemberSummary
  duplicate: boolean
}

/** What a screen shows until a trainer confirms it. */
export interface PairingCode {
  /** Six digits. */
  code: string
  /** What the screen claims its log-in with: shown to nobody. */
  secret: string
  expires_at_ms: number
}

/** What a search in a room has found. */
export interface Found {
  found: { seq: number; at_ms: number; by: string; name: string; text: string }[]
  /** There are older messages than were looked at. */
  before?: number
  /** When the oldest that was looked at was written. */
  since_ms?: number
}

/** A picture of a room as it is kept. */
export interface ShownPicture {
  image: string
  width: number
  height: number
}

/** Somebody has pointed at a message; the words are as they were then. */
export interface Report {
  report: string
  room: string
  room_kind: RoomKind
  /** Empty in a talk of two. */
  room_name: string
  /** 0: it was held back, and is nowhere else. */
  seq: number
  author: string
  author_name: string
  reporter?: string
  reporter_name?: string
  reason: ReportReason
  words: string
  text: string
  picture?: ShownPicture
  posted_at_ms: number
  at_ms: number
}

/** Open ones of the gym, oldest first; `next` is where the next page begins. */
export interface Reports {
  reports: Report[]
  next?: string
}

/** One stored sample of one's own. */
export interface OwnSample {
  source: number
  at: number
  /** 0: none was measured. */
  bpm: number
  power_w?: number
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
/** A file of a whole day on a slow line, and its ride on the server. */
const FILE_MS_MAX = 120_000

interface Options {
  token?: string
  body?: unknown
  file?: Blob
  /** Otherwise nothing is kept. */
  cache?: RequestCache
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

async function send(method: Method, path: string, { token, body, file, cache = 'no-store' }: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (file) headers['content-type'] = 'application/octet-stream'
  try {
    const signal = AbortSignal.timeout(file ? FILE_MS_MAX : REQUEST_MS_MAX)
    return await fetch(path, { method, headers, body: file ?? (body === undefined ? undefined : JSON.stringify(body)), signal, cache })
  } catch (error) {
    throw new ApiError('network', 0, String(error))
  }
}

export async function call<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options)
  const answer: unknown = response.status === 204 ? null : await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer as T
  throw refused(response, answer)
}

function refused(response: Response, answer: unknown): ApiError {
  const said = (answer ?? {}) as { code?: ErrorCode; message?: string; retry_after_ms?: number }
  const code = said.code ?? (response.status === 401 ? 'unauthorised' : 'internal')
  return new ApiError(code, response.status, said.message ?? response.statusText, said.retry_after_ms)
}

export const api = {
  login: (email: string, password: string) => call<LoginAnswer>('POST', '/v1/login', { body: { email, password } }),
  refresh: (token: string) => call<LoginAnswer>('POST', '/v1/token/refresh', { token }),
  classes: (token: string) => call<{ classes: ClassInfo[] }>('GET', '/v1/classes', { token }),
  /** Messages of a room whose words begin so, newest first; `before` goes on where the answer before ended. */
  search: (token: string, room: string, words: string, before?: number) =>
    call<Found>('GET', `/v1/rooms/${room}/messages?q=${encodeURIComponent(words)}${before === undefined ? '' : `&before=${before}`}`, { token }),
  /** A picture for a message to come. */
  sendImage: (token: string, room: string, file: Blob) => call<ShownPicture>('POST', `/v1/rooms/${room}/images`, { token, file }),
  /** A picture of a message, as JPEG. */
  async image(token: string, image: string): Promise<Blob> {
    const response = await send('GET', `/v1/images/${image}`, { token, cache: 'default' })
    if (response.ok) return response.blob()
    throw refused(response, await response.json().catch(() => undefined))
  },
  about: () => call<About>('GET', '/v1/about'),
  newPairing: () => call<PairingCode>('POST', '/v1/pairings'),
  /** The screen's log-in, once; none while no trainer has confirmed it. */
  async claimPairing(secret: string): Promise<LoginAnswer | undefined> {
    const answer = await call<Partial<LoginAnswer>>('POST', '/v1/pairings/claim', { body: { secret } })
    return answer.token === undefined ? undefined : (answer as LoginAnswer)
  },
  /** Open ones of the gym; of one room, for its moderators too. */
  reports: (token: string, wanted: { room?: string; after?: string }) => {
    const asked = Object.entries(wanted).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))
    return call<Reports>('GET', `/v1/reports?${new URLSearchParams(asked)}`, { token })
  },
  ride: (token: string, cmd: string, name: string, activity: Activity) => call<{ class: string }>('POST', '/v1/rides', { token, body: { cmd, name, activity } }),
  summaries: (token: string, before?: number) => call<Summaries>('GET', `/v1/me/summaries${before === undefined ? '' : `?before=${before}`}`, { token }),
  import: (token: string, file: Blob, dryRun: boolean) => call<Imported>('POST', `/v1/import${dryRun ? '?dry_run=true' : ''}`, { token, file }),
  /** A stretch of a class, from and to in class milliseconds, to be looked back at: see `decodeFilm`. */
  async film(token: string, id: string, view: 'board' | 'desk', from: number, to: number): Promise<Uint8Array> {
    const response = await send('GET', `/v1/classes/${id}/film?view=${view}&from=${Math.round(from)}&to=${Math.round(to)}`, { token })
    if (response.ok) return new Uint8Array(await response.arrayBuffer())
    throw refused(response, await response.json().catch(() => undefined))
  },
  /** My own samples of a class, in order of class time. */
  async samples(token: string, id: string): Promise<OwnSample[]> {
    const response = await send('GET', `/v1/me/classes/${id}/samples`, { token })
    if (!response.ok) throw new ApiError(response.status === 404 ? 'not_found' : 'internal', response.status, response.statusText)
    const text = await response.text()
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as OwnSample)
  },
}
