// A WebSocket whose other end is the test: what the page sent is decoded, and the test says what comes.

import { decode, encode } from '@msgpack/msgpack'
import type { Request, Response } from '../../src/proto/protocol'

export class FakeSocket {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static all: FakeSocket[] = []
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1)!
  }

  binaryType = ''
  readyState = FakeSocket.CONNECTING
  onmessage: ((message: { data: ArrayBuffer }) => void) | null = null
  onclose: ((close: { code: number }) => void) | null = null
  readonly sent: [number, Request][] = []
  heartbeats = 0

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.all.push(this)
  }

  send(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) this.heartbeats++
    else this.sent.push(decode(bytes) as [number, Request])
  }

  close(): void {
    this.readyState = 3
  }

  /** The server closes. */
  closed(code: number): void {
    this.readyState = 3
    this.onclose?.({ code })
  }

  say(id: number, body: Response): void {
    const bytes = encode([id, body])
    this.onmessage?.({ data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer })
  }

  beat(): void {
    this.onmessage?.({ data: new ArrayBuffer(0) })
  }

  welcome(more: Partial<Extract<Response, { t: 'welcome' }>> = {}): void {
    this.readyState = FakeSocket.OPEN
    const id = new Uint8Array(16).fill(FakeSocket.all.length)
    this.say(0, {
      t: 'welcome',
      session: id,
      protocol: [1, 0],
      build: 'b1',
      heartbeat_ms: 25_000,
      frame_bytes_max: 65_536,
      server_time_ms: Date.now(),
      clock_rate: 1,
      ack: 'local',
      user: id,
      gym: id,
      role: 'trainer',
      features: [],
      ...more,
    })
  }

  /** The newest request of this type, with its id. */
  asked<T extends Request['t']>(type: T): [number, Extract<Request, { t: T }>] | undefined {
    return this.sent.findLast(([, body]) => body.t === type) as [number, Extract<Request, { t: T }>] | undefined
  }

  count(type: Request['t']): number {
    return this.sent.filter(([, body]) => body.t === type).length
  }
}
