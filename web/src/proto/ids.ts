// UUIDs: 16 bytes on the wire, the usual text in addresses and topics.

/** A new command id: a UUIDv7 stamped with the server's Unix milliseconds. */
export function newCmd(serverMs: number): Uint8Array<ArrayBuffer> {
  const id = crypto.getRandomValues(new Uint8Array(16))
  let ms = Math.floor(serverMs)
  for (let at = 5; at >= 0; at--) {
    id[at] = ms % 256
    ms = Math.floor(ms / 256)
  }
  id[6] = (id[6]! & 0x0f) | 0x70
  id[8] = (id[8]! & 0x3f) | 0x80
  return id
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function uuidBytes(text: string): Uint8Array<ArrayBuffer> {
  if (!isUuid(text)) throw new Error(`not a UUID: ${text}`)
  const hex = text.replaceAll('-', '')
  return Uint8Array.from({ length: 16 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16))
}

/** The id of the room of two people: the XOR of theirs, whoever asks. */
export function directRoom(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(a, (byte, at) => byte ^ b[at]!)
}

export function sameUuid(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
