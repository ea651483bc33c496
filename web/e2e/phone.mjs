// A member's phone in a real browser, with a strap that the browser's own Bluetooth stack sees, behind a line that can go dead.
// Reads one JSON command a line from stdin and answers each with one line on stdout; see HELP. The exit status is 0 where all was ok.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { violations } from './helpers/axe.mjs'
import { launch, logIn, newPage } from './helpers/browser.mjs'
import { openLine } from './helpers/line.mjs'
import { overlaps } from './helpers/overlap.mjs'
import { probe } from './helpers/probe.mjs'
import { Steps, until } from './helpers/steps.mjs'
import { BLUETOOTH, Strap } from './helpers/strap.mjs'

const HELP = `node e2e/phone.mjs --url URL --email E --password P --class ID [--packets FILE] [--out DIR] [--lang ru] [--json]
commands on stdin, one JSON object a line:
  {"do":"join"}                                      opens today's page and joins by one tap
  {"do":"strap"}                                     connects the strap in the page
  {"do":"feed","rate":20,"to":600}                   packets 0..to at so many times the speed of life, in the background
  {"do":"fed"}                                       waits for their end: numbers and times of those that the page received
  {"do":"at","packet":100}                           waits until so many packets were due
  {"do":"cut"} {"do":"mend"}                         the line goes dead, and is back
  {"do":"lose"} {"do":"find"}                        the strap is out of reach, and back
  {"do":"reload"}                                    loads the tab anew and connects the strap again
  {"do":"hero","look":"live","from":"sensor","within_ms":5000}
  {"do":"waiting"}                                   samples that the phone still keeps
  {"do":"empty","within_ms":30000}                   until it keeps none
  {"do":"summary","within_ms":60000}                 what the page of results says
  {"do":"shots","name":"live","langs":["ru","en"]} {"do":"axe"} {"do":"overlap"} {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' },
    packets: { type: 'string' }, out: { type: 'string', default: 'shots' }, lang: { type: 'string', default: 'ru' },
    json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

const steps = new Steps(options.json)
const packets = options.packets ? readFileSync(options.packets, 'utf8').trim().split('\n').map((line) => line.split(' ')).map(([ms, hex]) => ({ ms: Number(ms), hex })) : []
const server = new URL(options.url)
const line = await openLine(server.hostname, Number(server.port))
const browser = await launch(BLUETOOTH)
const { page, errors } = await newPage(browser, { width: 390, height: 844, hasTouch: true, isMobile: true, deviceScaleFactor: 2 })
await page.addInitScript(probe)
const strap = await Strap.on(browser, page)

let feeding
let due = 0
/** Nothing is sent for now: the page could not take it. */
let quiet = false
/** The packet that is on its way. */
let sending
const received = []

/** While the tab loads, or is looked at, which keeps it busy, no packet is sent: it would come much later than it was due, or be lost. */
async function quietly(what) {
  quiet = true
  await sending
  try {
    return await what()
  } finally {
    quiet = false
  }
}

async function feed(rate, to) {
  const from = performance.now()
  for (; due < to; due++) {
    const wait = from + packets[due].ms / rate - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    if (quiet || !strap.near) continue
    sending = strap.notify(packets[due].hex)
    if (await sending) received.push(due)
  }
}

async function connect() {
  await strap.offer()
  await page.click('.chip.sensor')
  await page.click('dialog .ble')
  await page.waitForSelector('[data-source-state="live"]', { timeout: 15_000 })
  // The page may use its characteristic only now.
  await page.waitForFunction(() => window.strapCharacteristic)
  await page.click('dialog.sheet header button')
}

const hero = () => page.$eval('.hero', (element) => ({ ...element.dataset, bpm: element.querySelector('.bpm').textContent, note: element.querySelector('.note').textContent.trim() }))

/** Rows in the page's own database: on the server's disk are those that are no longer there. */
const kept = () =>
  page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open('fitconnect')
        request.onerror = () => reject(request.error)
        request.onsuccess = () => {
          const count = request.result.transaction('rows').objectStore('rows').count()
          count.onsuccess = () => resolve(count.result)
        }
      }),
  )

const all = {
  async join() {
    await page.goto(`${line.url}/app?lang=${options.lang}`)
    await page.click(`a.main[href*="${options.class}"]`)
    await page.waitForSelector('.live[data-joined="true"]', { timeout: 10_000 })
  },
  async strap() {
    await connect()
    return { battery: await page.textContent('.chip.sensor') }
  },
  async feed({ rate = 1, to = packets.length }) {
    feeding = feed(rate, to)
  },
  async fed() {
    await feeding
    return { received }
  },
  async at({ packet }) {
    while (due < packet) await new Promise((resolve) => setTimeout(resolve, 5))
    return { received: received.length }
  },
  cut: async () => line.cut(),
  mend: async () => line.mend(),
  lose: () => strap.lose(),
  find: async () => strap.find(),
  reload: () =>
    quietly(async () => {
      await page.reload()
      await page.waitForSelector('.live[data-joined="true"]', { timeout: 10_000 })
      await connect()
    }),
  async hero({ look, from, within_ms = 5_000 }) {
    const { ok, ms, value } = await until(page, hero, (now) => (!look || now.look === look) && (!from || now.from === from), within_ms)
    return { ok, ms, hero: value }
  },
  waiting: async () => ({ rows: await kept() }),
  async empty({ within_ms = 30_000 }) {
    const { ok, ms, value } = await until(page, kept, (rows) => rows === 0, within_ms)
    return { ok, ms, rows: value }
  },
  async summary({ within_ms = 60_000 }) {
    await page.waitForSelector(`a.main[href$="/app/history/${options.class}"]`, { timeout: within_ms })
    await page.click(`a.main[href$="/app/history/${options.class}"]`)
    await page.waitForSelector('[data-figure=points]')
    await page.waitForSelector('.chart .line')
    const zones = await page.$$eval('[data-zone-seconds]', (cells) => cells.map((cell) => Number(cell.dataset.zoneSeconds)))
    return { points: Number((await page.textContent('[data-figure=points]')).replace(/\D/g, '')), zones }
  },
  async shots({ name = 'phone', langs = ['ru', 'en'] }) {
    mkdirSync(options.out, { recursive: true })
    const files = []
    for (const each of langs) {
      await page.evaluate((lang) => localStorage.setItem('fitconnect.lang', lang), each)
      const path = join(options.out, `${name}-${each}.png`)
      await quietly(() => page.screenshot({ path, fullPage: true }))
      files.push(path)
    }
    return { files }
  },
  async axe() {
    const problems = await quietly(() => violations(page))
    return { ok: problems.length === 0, problems }
  },
  async overlap() {
    const problems = await quietly(() => overlaps(page))
    return { ok: problems.length === 0, problems }
  },
  errors: async () => ({ ok: errors.length === 0, errors }),
}

try {
  await logIn(page, line.url, options.email, options.password, options.lang)
  steps.say({ step: 'login', ok: true })
  await steps.listen(all)
} catch (error) {
  steps.say({ step: 'fault', ok: false, error: String(error), errors })
} finally {
  await browser.close()
  line.close()
}
process.exit(steps.failed ? 1 : 0)
