// Reads the golden frames with a decoder that shares no code with the server: node golden.mjs [folder whose node_modules to use]
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const modules = resolve(process.argv[2] ?? new URL('../../web', import.meta.url).pathname, 'package.json')
const { decode } = createRequire(modules)('@msgpack/msgpack')
const frames = JSON.parse(readFileSync(new URL('golden/frames.json', import.meta.url), 'utf8'))

/** A UUID's 16 bytes as text, other bytes as numbers: what the golden JSON has for a `bin`. */
function plain(value, expected) {
  if (value instanceof Uint8Array) {
    if (typeof expected !== 'string') return [...value]
    const hex = Buffer.from(value).toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  if (Array.isArray(value)) return value.map((v, i) => plain(v, expected?.[i]))
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, expected?.[k])]))
  }
  return value
}

/** Equal whatever the order of keys. */
function same(a, b) {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b
  const [ka, kb] = [Object.keys(a), Object.keys(b)]
  return Array.isArray(a) === Array.isArray(b) && ka.length === kb.length && ka.every((k) => k in b && same(a[k], b[k]))
}

let failed = 0
for (const { from, name, hex, json } of frames) {
  const found = plain(decode(Buffer.from(hex, 'hex')), json)
  if (same(found, json)) continue
  failed += 1
  console.error(`${from} ${name}\n  expected ${JSON.stringify(json)}\n  found    ${JSON.stringify(found)}`)
}
console.log(`golden frames: ${frames.length - failed} decoded, ${failed} not`)
process.exit(failed === 0 && frames.length > 0 ? 0 : 1)
