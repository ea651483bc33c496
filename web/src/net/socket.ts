// One socket a tab. It dials, resumes every topic in one frame, keeps the clock, and comes back by itself.
// It speaks only the protocol and imports no framework; pages follow topics and watch `link`.

import type { Request, Response } from '../proto/protocol'
import { decodeResponse, encodeRequest } from '../proto/codec'
import { newCmd } from '../proto/ids'
import { CLOSES, SUBPROTOCOL, VERSION } from '../proto/layout'
import { ServerClock, localNow } from './clock'
import { waitMs } from './backoff'
import { Calls, Disconnected, Refused, TimedOut } from './calls'
import { type Ended, IDLE, type Link, endedBy } from './link'
import { type Follower, type Topic, Topics } from './topics'
import { Vitals } from './vitals'

export type Welcome = Extract<Response, { t: 'welcome' }>

export interface SocketOptions {
  url: string
  /** The access token to dial with. `refused` is true where the last dial got no welcome: it may have been refused. */
  token(refused: boolean): Promise<string>
  onWelcome?(welcome: Welcome): void
  random?: () => number
}

/** Thrown by `SocketOptions.token` where only a new log-in helps. */
export class LoginNeeded extends Error {}

const DIAL_MS_MAX = 10_000
const CLOCK_EVERY_MS = 60_000
/** A topic that a resume has not answered by then is asked for by itself. */
const RESUME_MS_MAX = 5_000

export class Socket {
  readonly clock = new ServerClock()
  readonly topics = new Topics()
  link: Link = IDLE
  welcome?: Welcome
  private readonly calls = new Calls((id, body) => this.send(id, body))
  private readonly watchers = new Set<(link: Link) => void>()
  private readonly listeners = new Set<(push: Response) => void>()
  private ws?: WebSocket
  /** The session that is ours: reclaimed by a resume within its grace, else the one of the newest welcome. */
  private session?: Uint8Array
  private goAwayMs?: number
  private refusedDial = false
  private readonly behind = new Set<Topic>()
  private readonly vitals: Vitals = new Vitals({
    beat: () => this.ws!.send(new Uint8Array(0)),
    ask: () => this.request({ t: 'clock', t0: localNow() }),
    echo: () => this.echo(),
    dead: () => this.closed(1006),
  })
  private readonly timers = new Set<ReturnType<typeof setTimeout>>()

  constructor(private readonly options: SocketOptions) {}

  /** Called at once and at each change. */
  watch(watcher: (link: Link) => void): () => void {
    this.watchers.add(watcher)
    watcher(this.link)
    return () => this.watchers.delete(watcher)
  }

  start(): void {
    if (this.link.state !== 'idle' && !this.link.ended) return
    globalThis.addEventListener?.('online', this.dialNow)
    // What was refused before a stop was another log-in's token.
    this.refusedDial = false
    this.set({ ...IDLE, state: 'connecting' })
    void this.dial()
  }

  stop(ended: Ended = 'stopped'): void {
    globalThis.removeEventListener?.('online', this.dialNow)
    this.drop()
    this.calls.end()
    this.set({ ...IDLE, state: 'offline', ended })
  }

  /** Follows a topic over every reconnect. Returns how to stop. */
  follow(name: string, follower: Follower): () => void {
    const topic = this.topics.add(name, follower)
    if (this.welcome) void this.subscribe(topic)
    return () => {
      if (topic.handle !== undefined) void this.request({ t: 'unsubscribe', topic: name }).catch(() => {})
      this.topics.remove(topic)
    }
  }

  /** A question of this socket: rejects with `Disconnected` when it closes, `Refused` where the server says no. */
  request(body: Request): Promise<Response> {
    if (!this.welcome) return Promise.reject(new Disconnected())
    return this.calls.ask(body)
  }

  /** A change. It happens once: sent again under the same `cmd` after a reconnect, until it is answered. */
  command(make: (cmd: Uint8Array) => Request): Promise<Response> {
    return this.calls.command(make(newCmd(this.clock.now())), this.welcome !== undefined)
  }

  /** A change whose `cmd` was made earlier, perhaps by a page before this one. */
  repeat(body: Request): Promise<Response> {
    return this.calls.command(body, this.welcome !== undefined)
  }

  /** Sends what wants no reply. False where there is no link: nothing is kept here. */
  tell(body: Request): boolean {
    if (!this.welcome) return false
    this.send(0, body)
    return true
  }

  /** Hears what the server says unasked: one's own frames, acknowledgements, whispers. Returns how to stop. */
  listen(listener: (push: Response) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Measures the server's clock anew: ours may have stood still. Rejects where the link breaks meanwhile. */
  async measureNow(): Promise<void> {
    this.clock.forget()
    await this.clock.measure((t0) => this.askClock(t0))
  }

  private set(link: Link): void {
    this.link = link
    for (const watcher of this.watchers) watcher(link)
  }

  private after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      run()
    }, ms)
    this.timers.add(timer)
  }

  private dialNow = (): void => {
    if (this.link.state === 'offline' && !this.link.ended) void this.dial()
  }

  private async dial(): Promise<void> {
    this.drop()
    this.set({ ...this.link, state: 'connecting', retryAt: undefined })
    let token: string
    try {
      token = await this.options.token(this.refusedDial)
    } catch (error) {
      if (error instanceof LoginNeeded) return this.stop('unauthorised')
      return this.closed(1006)
    }
    if (this.link.state !== 'connecting' || this.ws) return
    const ws = new WebSocket(this.options.url, [SUBPROTOCOL, `bearer.${token}`])
    ws.binaryType = 'arraybuffer'
    this.ws = ws
    this.refusedDial = true
    ws.onmessage = (message) => ws === this.ws && this.heard(message.data as ArrayBuffer)
    ws.onclose = (close) => ws === this.ws && this.closed(close.code)
    this.after(DIAL_MS_MAX, () => ws === this.ws && !this.welcome && this.closed(1006))
  }

  /** Lets go of the socket, if there is one, and of everything that hangs on it. */
  private drop(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
    const ws = this.ws
    this.ws = undefined
    this.welcome = undefined
    this.vitals.stop()
    this.behind.clear()
    this.topics.forgetHandles()
    if (!ws) return
    ws.onmessage = ws.onclose = null
    ws.close()
    this.calls.disconnected()
  }

  private closed(code: number): void {
    const close = CLOSES[code]
    this.drop()
    if (close && !close.mayReturn && code !== 4501) return this.stop(endedBy(code))
    // An expired token is mended by a refresh: `token(true)` throws where only a log-in helps.
    if (code === 4501) this.refusedDial = true
    const wait = waitMs(code, this.link.attempt, this.goAwayMs, this.options.random)
    this.goAwayMs = undefined
    this.set({ state: 'offline', attempt: this.link.attempt + 1, retryAt: localNow() + wait, resumed: 0, topics: 0 })
    this.after(wait, () => void this.dial())
  }

  private send(id: number, body: Request): void {
    if (this.ws?.readyState !== WebSocket.OPEN) return
    this.vitals.sent()
    this.ws.send(encodeRequest(id, body))
  }

  private heard(data: ArrayBuffer): void {
    this.vitals.heard()
    if (data.byteLength === 0) return
    let frame: [number, Response]
    try {
      frame = decodeResponse(new Uint8Array(data))
    } catch (error) {
      console.error('unreadable frame', error)
      return this.closed(1006)
    }
    const [id, body] = frame
    if (!this.welcome && body.t !== 'welcome') return
    this.take(body)
    if (id > 0) this.calls.answered(id, body)
    else for (const listener of this.listeners) listener(body)
  }

  private take(body: Response): void {
    switch (body.t) {
      case 'welcome':
        return this.welcomed(body)
      case 'subscribed': {
        const topic = this.topics.subscribed(body)
        if (!topic) return
        this.expect(topic, body.h, body.offset)
        return this.caughtUp(topic)
      }
      case 'event': {
        const [arrival, topic] = this.topics.event(body.h, body.o, body.e)
        if (arrival === 'gap' && !topic!.waiting) void this.subscribe(topic!)
        if (topic && arrival === 'next') this.notBehind(topic)
        return
      }
      case 'tick': {
        const topic = this.topics.tick(body.h, body.b)
        if (topic) this.vitals.ticked()
        if (this.link.state === 'lagging') this.judge()
        return
      }
      case 'attention':
        return this.topics.attention(body.h, body.list)
      case 'ended': {
        // Out of a room: what is told of it is told to others.
        const topic = this.topics.ended(body.h)
        topic?.follower.refused?.({ code: 'not_member', message: 'no longer in it' })
        return
      }
      case 'lagging': {
        const topic = this.topics.all().find((each) => each.handle === body.h)
        if (topic) this.behind.add(topic)
        return this.judge()
      }
      case 'go_away':
        this.goAwayMs = body.reconnect_after_ms
        return
      default: // Replies go to who asked; what a newer server says besides is not for this page.
    }
  }

  private welcomed(welcome: Welcome): void {
    if (welcome.protocol[0] !== VERSION[0]) return this.stop('too_old')
    this.welcome = welcome
    this.refusedDial = false
    this.clock.welcome(welcome.server_time_ms)
    this.options.onWelcome?.(welcome)
    this.resume(welcome.session)
    this.calls.reconnected()
    void this.measureClock()
    this.vitals.start(welcome.heartbeat_ms)
  }

  /** Everything that was followed, in one frame; what was never answered is asked for anew. */
  private resume(session: Uint8Array): void {
    const topics = this.topics.all()
    const positions = this.topics.positions()
    this.set({ state: topics.length ? 'resuming' : 'live', attempt: 0, resumed: 0, topics: topics.length })
    for (const topic of topics) if (!topic.position) void this.subscribe(topic)
    if (!positions.length) {
      this.session = session
      return
    }
    for (const [name] of positions) this.topics.get(name)!.waiting = true
    this.request({ t: 'resume', session: this.session, topics: positions }).then(
      (answer) => {
        if (answer.t === 'resuming') this.session = answer.session
      },
      (error) => error instanceof Refused && this.askEach(),
    )
    // A topic that the resume did not bring back is asked for by itself: the refusal tells why.
    this.after(RESUME_MS_MAX, () => this.askEach())
  }

  private askEach(): void {
    for (const topic of this.topics.all()) if (topic.handle === undefined) void this.subscribe(topic)
  }

  private async subscribe(topic: Topic): Promise<void> {
    topic.waiting = true
    try {
      await this.request({ t: 'subscribe', topic: topic.name, position: topic.position })
    } catch (error) {
      topic.waiting = false
      // Asked again at once where nobody answered; where the link broke, the reconnect does it.
      if (error instanceof TimedOut && this.topics.get(topic.name) === topic) void this.subscribe(topic)
      if (!(error instanceof Refused)) return
      const { code, retry_after_ms } = error.refusal
      if (code === 'retry' || code === 'busy' || code === 'rate_limited') {
        return this.after(retry_after_ms ?? 1_000, () => void this.subscribe(topic))
      }
      this.topics.remove(topic)
      topic.follower.refused?.(error.refusal)
      this.caughtUp(topic)
    }
  }

  /** What was missed follows an answer. Where none of it comes, it is asked for again: nothing else would tell of the gap. */
  private expect(topic: Topic, handle: number, offset: number): void {
    const had = topic.position?.offset ?? 0
    if (had >= offset) return
    this.after(RESUME_MS_MAX, () => {
      if (topic.handle === handle && topic.position?.offset === had && !topic.waiting) void this.subscribe(topic)
    })
  }

  private caughtUp(topic: Topic): void {
    this.notBehind(topic)
    if (this.link.state !== 'resuming') return
    const topics = this.topics.all()
    const resumed = topics.filter((each) => each.handle !== undefined).length
    this.set({ ...this.link, state: resumed === topics.length ? 'live' : 'resuming', resumed, topics: topics.length })
  }

  private notBehind(topic: Topic): void {
    if (this.behind.delete(topic)) this.judge()
  }

  /** live or lagging: behind by the server's word, or a board that has gone quiet. */
  private judge(): void {
    if (this.link.state !== 'live' && this.link.state !== 'lagging') return
    const watches = this.topics.all().some((topic) => topic.handle !== undefined && topic.follower.lively?.())
    const quiet = watches && this.vitals.isQuiet()
    const state = quiet || this.behind.size > 0 ? 'lagging' : 'live'
    if (state !== this.link.state) this.set({ ...this.link, state })
  }

  private async measureClock(): Promise<void> {
    const ws = this.ws
    try {
      await this.clock.measure((t0) => this.askClock(t0))
    } catch {
      // Without an answer the coarse value stands; the next round mends it.
    }
    if (ws === this.ws && ws) this.after(CLOCK_EVERY_MS, () => void this.measureClock())
  }

  private async askClock(t0: number): Promise<Extract<Response, { t: 'clock' }>> {
    const answer = await this.request({ t: 'clock', t0 })
    if (answer.t !== 'clock') throw new Error(`the clock answered ${answer.t}`)
    return answer
  }

  /** Every 2 s: the newest tick of each board goes back, and a board that has gone quiet is noticed. */
  private echo(): boolean {
    for (const { h, tick } of this.topics.echoes()) this.send(0, { t: 'seen', h, tick })
    this.judge()
    return this.link.state === 'lagging'
  }
}
