// The member's page and the hall's screen over a bad socket, by the browser's own socket router: frames dropped, delayed, doubled,
// reordered and cut; the server is killed and started again by whoever commands this. One JSON command a line on stdin, see HELP.

import { parseArgs } from 'node:util'
import { decode } from '@msgpack/msgpack'
import { launch, logIn, newPage, wallAddress } from './helpers/browser.mjs'
import { Faults } from './helpers/faults.mjs'
import { readTile } from './helpers/probe.mjs'
import { Steps, until } from './helpers/steps.mjs'

const HELP = `node e2e/sockets.mjs --url URL --email E --password P --class ID [--screen-email E --screen-password P] [--json]
commands on stdin, one JSON object a line:
  {"do":"open"}                                       both pages follow the class; the member joins with a simulated heart
  {"do":"fault","kind":"drop","rate":0.3,"seed":7}    drop, delay, double, reorder, cut or none: frames from the server
  {"do":"honest","seconds":8}                         watches both pages: is a number older than 3 s ever shown as live?
  {"do":"live","within_ms":2000}                      until both pages are live again and their numbers move
  {"do":"away","within_ms":3000}                      until both pages say that there is no connection
  {"do":"build","build":"x"}                          from the next welcome on the server says that it is another build
  {"do":"update"}                                     whether the member's page says that an update waits, and has not taken it
  {"do":"kept"} {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' },
    'screen-email': { type: 'string' }, 'screen-password': { type: 'string' }, out: { type: 'string' },
    json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

const steps = new Steps(options.json)
let build

/** What the phone has sent: heart rates, and when. What it shows as live must be among the youngest. */
const beats = []
function note(message) {
  if (!Buffer.isBuffer(message) || message.length === 0) return
  const [, body] = decode(message)
  if (body.t !== 'samples') return
  for (const [, , rows] of body.sources) for (const [, bpm] of rows) beats.push({ bpm, at: performance.now() })
  while (beats.length > 400) beats.shift()
}

/** What the pages send passes; what they hear is spoilt. */
const faults = new Faults({ sent: note, heard: (message) => (build ? withBuild(message) : message) })
const { counts } = faults

/** The welcome's `build`, a short text, is replaced by one of the same length: the frame stays whole. */
function withBuild(message) {
  const key = Buffer.from([0xa5, ...Buffer.from('build')])
  const at = message.indexOf(key)
  if (at < 0) return message
  const length = message[at + key.length] & 0x1f
  const changed = Buffer.from(message)
  Buffer.from(build.padEnd(length, 'x').slice(0, length)).copy(changed, at + key.length + 1)
  return changed
}

const browser = await launch()
const member = await newPage(browser, { width: 390, height: 844 })
const screen = await newPage(browser, { width: 1280, height: 720 })

const linkOf = (page) => page.evaluate(() => document.querySelector('.link')?.dataset.state)
const heroOf = () => member.page.$eval('.hero', (hero) => ({ ...hero.dataset, bpm: Number(hero.querySelector('.bpm').dataset.bpm) }))

/** What each page shows as live, and how old that is at most by its own reckoning; the worst over the time. */
async function watch(seconds) {
  const until = performance.now() + seconds * 1_000
  const worst = { samples: 0, hero_live_age_ms: 0, hero_old: 0, wall_frozen_ms: 0, live_ms: 0 }
  let at = performance.now()
  let wall = { text: '', at, look: '' }
  while (performance.now() < until) {
    await member.page.waitForTimeout(100)
    const now = performance.now()
    const hero = await heroOf().catch(() => undefined)
    if (hero?.look === 'live') {
      worst.hero_live_age_ms = Math.max(worst.hero_live_age_ms, Number(hero.ageMs))
      worst.live_ms += now - at
      // Not by the page's own reckoning: the number was measured, and sent, within the last three seconds and a look at the page.
      const young = beats.some((beat) => beat.bpm === hero.bpm && now - beat.at <= 3_400)
      if (hero.from === 'class' && !young) worst.hero_old++
    }
    const tile = await screen.page.evaluate(() => {
      const header = document.querySelector('.tile')
      return header ? { look: header.dataset.look, text: document.querySelector('.tiles, .wall')?.textContent ?? '' } : undefined
    })
    // A wall that shows somebody live changes: the heart of the simulation breathes each second.
    if (tile && (tile.text !== wall.text || tile.look !== 'zone')) wall = { text: tile.text, at: now, look: tile.look }
    if (tile?.look === 'zone') worst.wall_frozen_ms = Math.max(worst.wall_frozen_ms, now - wall.at)
    at = now
    worst.samples++
  }
  return Object.fromEntries(Object.entries(worst).map(([key, value]) => [key, Math.round(value)]))
}

const all = {
  async open() {
    await faults.route(member.page)
    await faults.route(screen.page)
    await logIn(member.page, options.url, options.email, options.password, 'en')
    await logIn(screen.page, options.url, options['screen-email'] ?? options.email, options['screen-password'] ?? options.password, 'en')
    await screen.page.goto(wallAddress(options.url, options.class, 'en'))
    await member.page.goto(`${options.url}/app/class/${options.class}?join=1&lang=en`)
    await member.page.waitForSelector('.live[data-joined="true"]')
    await member.page.click('.chip.sensor')
    await member.page.click('dialog .simulated')
    await member.page.click('dialog.sheet header button')
    await screen.page.waitForSelector('.tile')
  },
  async fault(next) {
    faults.set(next)
  },
  async honest({ seconds = 8 }) {
    const seen = await watch(seconds)
    return { ok: seen.hero_live_age_ms <= 3_000 && seen.hero_old === 0 && seen.wall_frozen_ms <= 3_600, ...seen, counts }
  },
  async live({ within_ms = 2_000 }) {
    const from = performance.now()
    const read = async () => ({ member: await linkOf(member.page), screen: await linkOf(screen.page), hero: await heroOf() })
    const { ok, ms, value } = await until(member.page, read, (now) => now.member === 'live' && now.screen === 'live' && now.hero.look === 'live' && now.hero.from === 'class', within_ms)
    return { ok, ms: ok ? ms : Math.round(performance.now() - from), value }
  },
  async away({ within_ms = 5_000 }) {
    const read = async () => ({ member: await linkOf(member.page), screen: await linkOf(screen.page) })
    const gone = (state) => state === 'offline' || state === 'connecting'
    const { ok, ms, value } = await until(member.page, read, (now) => gone(now.member) && gone(now.screen), within_ms)
    return { ok, ms, value }
  },
  async build({ build: next }) {
    build = next
  },
  async update({ within_ms = 5_000 }) {
    const mark = await member.page.evaluate(() => (window.stays ??= Math.random()))
    const { ok, ms } = await until(member.page, () => member.page.textContent('.notices'), (text) => /update ready/i.test(text), within_ms)
    return { ok: ok && (await member.page.evaluate(() => window.stays)) === mark, ms }
  },
  /** Samples that the phone still keeps, until there are none. */
  async kept({ within_ms = 20_000 }) {
    const read = () =>
      member.page.evaluate(
        () =>
          new Promise((resolve) => {
            const request = indexedDB.open('fitconnect')
            request.onsuccess = () => {
              const count = request.result.transaction('rows').objectStore('rows').count()
              count.onsuccess = () => resolve(count.result)
            }
          }),
      )
    // A beat a second: the newest is always on its way.
    const { ok, ms, value } = await until(member.page, read, (rows) => rows <= 2, within_ms)
    return { ok, ms, rows: value }
  },
  tile: async ({ slot }) => ({ tile: await readTile(screen.page, slot) }),
  async errors() {
    // A frame that was cut cannot be read: the page says so and dials anew.
    const found = [...member.errors, ...screen.errors].filter((text) => !text.startsWith('unreadable frame'))
    return { ok: found.length === 0, errors: found }
  },
}

try {
  await steps.listen(all)
} catch (error) {
  steps.say({ step: 'fault', ok: false, error: String(error) })
} finally {
  await browser.close()
}
process.exit(steps.failed ? 1 : 0)
