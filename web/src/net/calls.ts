// Questions that wait for their answer. A request dies with its socket; a command outlives it and is sent again under the same `cmd`.

import type { Refusal, Request, Response } from '../proto/protocol'

/** The socket closed before the answer came. */
export class Disconnected extends Error {}
/** No answer in time. */
export class TimedOut extends Error {}

/** The server said no: translate `refusal.code`, never its message. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(`${refusal.code}: ${refusal.message}`)
  }
}

const REQUEST_MS_MAX = 10_000
/** More than a person can tap before the link is back. */
const WAITING_MAX = 256
const ID_MAX = 0xffff_ffff
/** How often a command is sent again where the server could not say what became of it. */
const RETRIES_MAX = 8

interface Call {
  body: Request
  command: boolean
  retries: number
  timer?: ReturnType<typeof setTimeout>
  resolve(answer: Response): void
  reject(error: Error): void
}

export class Calls {
  private lastId = 0
  private readonly waiting = new Map<number, Call>()
  private unsent: Call[] = []

  constructor(private readonly send: (id: number, body: Request) => void) {}

  ask(body: Request): Promise<Response> {
    return new Promise((resolve, reject) => this.put({ body, command: false, retries: 0, resolve, reject }, true))
  }

  command(body: Request, connected: boolean): Promise<Response> {
    return new Promise((resolve, reject) => this.put({ body, command: true, retries: 0, resolve, reject }, connected))
  }

  answered(id: number, answer: Response): void {
    const call = this.waiting.get(id)
    if (!call) return
    this.waiting.delete(id)
    clearTimeout(call.timer)
    if (answer.t !== 'refused') return call.resolve(answer)
    const again = answer.code === 'retry' || answer.code === 'busy' || answer.code === 'rate_limited'
    if (!call.command || !again || call.retries >= RETRIES_MAX) return call.reject(new Refused(answer))
    call.retries += 1
    this.unsent.push(call)
    call.timer = setTimeout(() => this.resend(call), answer.retry_after_ms ?? 500 * call.retries)
  }

  disconnected(): void {
    for (const call of this.waiting.values()) {
      clearTimeout(call.timer)
      if (call.command) this.unsent.push(call)
      else call.reject(new Disconnected())
    }
    this.waiting.clear()
  }

  reconnected(): void {
    for (const call of [...this.unsent]) this.resend(call)
  }

  /** Nobody will answer any more. */
  end(): void {
    for (const call of [...this.waiting.values(), ...this.unsent]) {
      clearTimeout(call.timer)
      call.reject(new Disconnected())
    }
    this.waiting.clear()
    this.unsent = []
  }

  private resend(call: Call): void {
    clearTimeout(call.timer)
    const at = this.unsent.indexOf(call)
    if (at < 0) return
    this.unsent.splice(at, 1)
    this.put(call, true)
  }

  private put(call: Call, connected: boolean): void {
    if (this.waiting.size + this.unsent.length >= WAITING_MAX) return call.reject(new Error('too many questions wait for an answer'))
    if (!connected) {
      this.unsent.push(call)
      return
    }
    this.lastId = this.lastId === ID_MAX ? 1 : this.lastId + 1
    const id = this.lastId
    this.waiting.set(id, call)
    call.timer = setTimeout(() => {
      this.waiting.delete(id)
      // What became of a command is not known: asked again under the same `cmd` it happens once.
      if (call.command && call.retries < RETRIES_MAX) {
        call.retries += 1
        return this.put(call, true)
      }
      call.reject(new TimedOut())
    }, REQUEST_MS_MAX)
    this.send(id, call.body)
  }
}
