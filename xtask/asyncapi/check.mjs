// Reads an AsyncAPI document with the specification's own parser; exit status 1 and the reasons where it is refused.
import { readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'

const file = process.argv[2] ?? '../../docs/asyncapi.json'
const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'))
const errors = diagnostics.filter((d) => d.severity === 0)
for (const d of errors) console.error(`${d.path.join('.')}: ${d.message}`)
if (!document || errors.length > 0) process.exit(1)
const count = (all) => all.all().length
console.log(`AsyncAPI ${document.version()}: ${count(document.channels())} channels, ${count(document.operations())} operations, ${count(document.messages())} messages`)
for (const d of diagnostics.filter((d) => d.severity === 1)) console.log(`warning: ${d.path.join('.')}: ${d.message}`)
