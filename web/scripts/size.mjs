// Fails where a page loads more than its budget: gzipped JavaScript with everything it imports at once, style sheets, fonts.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const KIB = 1024
/** Per page, KiB: log-in; the member's shell; the trainer's desk; the hall screen. */
const BUDGETS = { login: { js: 60, css: 14 }, app: { js: 60, css: 14 }, coach: { js: 110, css: 14 }, tv: { js: 60, css: 14 } }
/** What a place of the member's pages adds to their shell, KiB. */
const ADDED = { Live: 25, History: 35, Summary: 35, Import: 25, Chats: 25, Me: 25, Solo: 25 }
const FONTS_KIB = 62

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const gzipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length / KIB

/** What a chunk imports, lazy chunks too where they are one of several languages: a page loads exactly one. */
function imports(file, seen = new Set()) {
  if (seen.has(file)) return seen
  seen.add(file)
  const source = readFileSync(join(dist, 'assets', file), 'utf8')
  for (const [, name] of source.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) imports(name, seen)
  return seen
}

const assets = readdirSync(join(dist, 'assets'))
/** The larger of two languages. */
const language = (prefix) => Math.max(...['ru', 'en'].map((each) => assets.find((name) => name.startsWith(`${prefix}${each}-`))).map((name) => gzipped(join(dist, 'assets', name))))
const sum = (names) => [...names].reduce((total, name) => total + gzipped(join(dist, 'assets', name)), 0)
const rows = []
for (const [page, budget] of Object.entries(BUDGETS)) {
  const html = readFileSync(join(dist, `${page}.html`), 'utf8')
  const scripts = new Set()
  for (const [, name] of html.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.js)"/g)) imports(name, scripts)
  const styles = [...html.matchAll(/href="\/assets\/([\w.-]+\.css)"/g)].map(([, name]) => name)
  const words = language('') + (page === 'app' || page === 'coach' ? language(`${page}-`) : 0)
  rows.push({ what: `${page}: JavaScript`, kib: sum(scripts) + words, budget: budget.js })
  if (page === 'app') for (const [place, most] of Object.entries(ADDED)) rows.push(added(place, most, scripts))
  rows.push({ what: `${page}: styles`, kib: sum(styles), budget: budget.css })
}
const fonts = assets.filter((name) => name.endsWith('.woff2'))
rows.push({ what: `${fonts.length} fonts`, kib: fonts.reduce((total, name) => total + readFileSync(join(dist, 'assets', name)).length / KIB, 0), budget: FONTS_KIB })

function added(place, budget, there) {
  const scripts = imports(assets.find((name) => name.startsWith(`${place}-`) && name.endsWith('.js')))
  return { what: `app, ${place} adds`, kib: sum([...scripts].filter((name) => !there.has(name))), budget }
}

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows))
  process.exit(0)
}
let failed = false
for (const { what, kib, budget } of rows) {
  const over = kib > budget
  failed ||= over
  console.log(`${over ? 'OVER ' : 'ok   '} ${what.padEnd(20)} ${kib.toFixed(1).padStart(6)} KiB of ${budget}`)
}
process.exit(failed ? 1 : 0)
