// Frames to bytes and back: `[id, body]` in MessagePack. An empty frame is a heartbeat and never comes here.

import { Decoder, Encoder } from '@msgpack/msgpack'
import type { Film, Request, Response } from './protocol'

const encoder = new Encoder({ ignoreUndefined: true })
const decoder = new Decoder()

/** `id` 0 wants no reply. */
export function encodeRequest(id: number, body: Request): Uint8Array<ArrayBuffer> {
  return encoder.encode([id, body])
}

/** The server's frame. A body of a type that this page does not know keeps its `t`: the caller ignores it. */
export function decodeResponse(bytes: Uint8Array): [number, Response] {
  const frame = decoder.decode(bytes)
  if (!Array.isArray(frame) || frame.length !== 2 || typeof frame[0] !== 'number') {
    throw new Error('a frame is an array of two: [id, body]')
  }
  const body = frame[1] as Response
  if (typeof body !== 'object' || body === null || typeof body.t !== 'string') {
    throw new Error('the body is not a map with a text under the key t')
  }
  return [frame[0], body]
}

/** What `GET /v1/classes/{id}/film` answers. */
export const decodeFilm = (bytes: Uint8Array): Film => decoder.decode(bytes) as Film
