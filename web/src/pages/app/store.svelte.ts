// What the member's pages share: who one is, what is recorded, the sensor that is worn. Made once, over the page's one socket.

import { api, type ClassInfo } from '../../net/api'
import { Actions } from '../../net/actions'
import { currentLogin, goodToken } from '../../net/auth'
import { db } from '../../net/db'
import { browserKeep, browserPosts } from '../../net/keep'
import { Recorder, type Recording } from '../../net/recorder'
import { localNow } from '../../net/clock'
import type { Consent, MemberSummary, Profile, UserEvent, UserSnapshot } from '../../proto/protocol'
import { uuidText } from '../../proto/ids'
import { randomId } from '../../hr/source'
import { Rooms } from '../../ui/room/rooms.svelte'
import { linkNow, socket } from '../../ui/session.svelte'

const user = currentLogin()?.user ?? ''

/** This device in the eyes of the server, for this account. */
function receiverId(): number {
  const key = `fitconnect.receiver.${user}`
  const kept = Number(localStorage.getItem(key))
  if (Number.isSafeInteger(kept) && kept > 0) return kept
  const fresh = randomId()
  localStorage.setItem(key, String(fresh))
  return fresh
}

export const receiver = receiverId()
export const recorder = new Recorder(socket, browserKeep, receiver)
export const actions = new Actions(socket, user)
export const rooms = new Rooms(socket, user, browserPosts, localStorage, true, () => inClass !== undefined)

let me = $state.raw<UserSnapshot>()
let meSavedAt = $state<number>()
let inClass = $state<string>()
let recording = $state.raw<Recording>(recorder.state)
let waitingActions = $state(0)
/** Sent after a link was away: milliseconds of recorded time, for a moment. */
let caughtUp = $state<number>()
let newest = $state.raw<MemberSummary>()

export const meNow = () => me
/** When what is shown of oneself was saved; none where it is fresh. */
export const meSaved = () => meSavedAt
export const inClassNow = () => inClass
export const recordingNow = () => recording
export const waitingActionsNow = () => waitingActions
export const caughtUpNow = () => caughtUp
/** The newest summary that came while this page was open. */
export const newestSummary = () => newest
export const isUp = () => ['live', 'lagging', 'resuming'].includes(linkNow().state)

const CAUGHT_UP_SHOWN_MS = 8_000
/** A gap shorter than this is not worth a word. */
const CAUGHT_UP_MIN_MS = 5_000

export async function startStore(): Promise<void> {
  const kept = await db.get<{ user: UserSnapshot; at: number }>('cache', `me:${user}`)
  if (kept && !me) {
    me = kept.user
    inClass = kept.user.in_class && uuidText(kept.user.in_class)
    rooms.begin(kept.user)
    meSavedAt = kept.at
  }
  socket.follow('user:me', {
    snapshot(snapshot) {
      if (snapshot.t !== 'user') return
      const { t: _, ...fresh } = snapshot
      keepMe(fresh)
      inClass = fresh.in_class && uuidText(fresh.in_class)
      rooms.begin(fresh)
    },
    event: (event) => heard(event as UserEvent),
  })
  watchRecorder()
  actions.watch((count) => (waitingActions = count))
  await Promise.all([rooms.posts.start(), recorder.start().then(() => actions.start())])
}

function keepMe(next: UserSnapshot): void {
  me = next
  meSavedAt = undefined
  void db.put('cache', `me:${user}`, { user: next, at: Date.now() }).catch(() => {})
}

function heard(event: UserEvent): void {
  if (!me) return
  rooms.heard(event)
  switch (event.t) {
    case 'consent':
      return keepMe({ ...me, consent: event.consent })
    case 'profile':
      return keepMe({ ...me, profile: event.profile })
    case 'in_class':
      inClass = event.class && uuidText(event.class)
      return keepMe({ ...me, in_class: event.class })
    case 'summary':
      newest = event.summary
      return
    case 'in_room':
    case 'left_room':
    case 'hidden':
    case 'shown':
    case 'noticed':
    case 'notices_read':
    case 'wanted':
    case 'unseen':
      return keepMe({ ...me, ...rooms.kept() })
  }
}

function watchRecorder(): void {
  let offlineSince: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  recorder.watch((next) => {
    recording = next
    if (!isUp() && next.waiting > 0) offlineSince = next.since
    if (!isUp() || offlineSince === undefined || next.waiting > 0) return
    const length = localNow() - offlineSince
    offlineSince = undefined
    if (length < CAUGHT_UP_MIN_MS) return
    caughtUp = length
    clearTimeout(timer)
    timer = setTimeout(() => (caughtUp = undefined), CAUGHT_UP_SHOWN_MS)
  })
}

/** Changes one's consents: shown at once, true when the server has them. */
export function share(consent: Consent): Promise<unknown> {
  if (me) me = { ...me, consent }
  return actions.do((cmd) => ({ t: 'user', cmd, act: { t: 'consent', consent } }))
}

export function measure(profile: Profile): Promise<unknown> {
  return actions.do((cmd) => ({ t: 'user', cmd, act: { t: 'profile', profile } }))
}


/** An answer of the server, or what it last said, with when that was. Throws where there is neither. */
export async function fresh<T>(key: string, ask: (token: string) => Promise<T>): Promise<{ value: T; savedAt?: number }> {
  const at = `${key}:${user}`
  try {
    const value = await ask(await goodToken(false, socket.clock.now()))
    void db.put('cache', at, { value, at: Date.now() }).catch(() => {})
    return { value }
  } catch (error) {
    const kept = await db.get<{ value: T; at: number }>('cache', at)
    if (kept) return { value: kept.value, savedAt: kept.at }
    throw error
  }
}

export const classesToday = () => fresh<{ classes: ClassInfo[] }>('classes', (token) => api.classes(token))
export const summaries = (before?: number) =>
  before === undefined
    ? fresh('summaries', (token) => api.summaries(token))
    : goodToken(false, socket.clock.now()).then(async (token) => ({ value: await api.summaries(token, before), savedAt: undefined as number | undefined }))
