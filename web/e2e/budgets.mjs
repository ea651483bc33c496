// What the pages cost, each figure where a person would feel it: loading, taps, ticks, what is painted after what. One JSON command a line
// on stdin, see HELP.

import { parseArgs } from 'node:util'
import { launch, logIn, newPage } from './helpers/browser.mjs'
import { shown } from './helpers/shown.mjs'
import { Steps } from './helpers/steps.mjs'
import { vitals } from './helpers/vitals.mjs'

const HELP = `node e2e/budgets.mjs --url URL --email E --password P --class ID [--member E] [--json]     E, P: the trainer's
commands on stdin, one JSON object a line:
  {"do":"cold","place":"/app"}                      first visit on a slow line and processor: largest paint, what moved under one's eyes
  {"do":"again","place":"/app"}                     the second visit: until it can be used
  {"do":"taps","slowdown":4}                        taps on the phone's live page and on the desk: until the next paint
  {"do":"ticks","seconds":15,"slowdown":1}          the hall's screen: main thread a tick, handling of a tick, bytes
  {"do":"watch","slot":3}                           desk, hall and phone: from now on what they show of this person, and when
  {"do":"seen"}                                     [bpm, when it was painted first on each page], the server's clock
  {"do":"flip","run":"1"}                           how far apart desk and hall painted this segment
  {"do":"back","within_ms":20000}                   until desk and hall are live again
  {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' }, member: { type: 'string' },
    out: { type: 'string' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

/** A line as in a basement with walls: 1.6 Mb/s, 150 ms. */
const LINE = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 }
const SLOW = 4
/** Whatever moves after the largest paint has moved by then. */
const SETTLED_MS = 1_500
/** A frame with more than a few rows. */
const FULL_BYTES = 1_000

const { url } = options
const steps = new Steps(options.json)
const browser = await launch()
const errors = []
const pages = {}

async function open(size, state) {
  const made = await newPage(browser, { ...size, ...(state && { storageState: state }) })
  errors.push(made.errors)
  await made.page.addInitScript(vitals)
  return { page: made.page, cdp: await made.page.context().newCDPSession(made.page) }
}

const states = {}
/** What the browser keeps of somebody who has logged in. */
async function state(email) {
  if (!states[email]) {
    const { page } = await open({ width: 390, height: 844 })
    await logIn(page, url, email, options.password, 'en')
    states[email] = await page.context().storageState()
    await page.context().close()
  }
  return states[email]
}
const whose = (place) => (place.startsWith('/app') || place.startsWith('/login') ? options.member : options.email)
const READY = 'main h1, .people .tile, .wall .tile, .wall canvas, #email'

async function slow(cdp, line) {
  await cdp.send('Network.enable')
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOW })
  if (line) await cdp.send('Network.emulateNetworkConditions', LINE)
}

const percentile = (list, part) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0

async function live(name, size, email, address, sign) {
  if (pages[name]) return pages[name]
  const made = await open(size, await state(email))
  await made.page.addInitScript(shown)
  await made.page.goto(address)
  await made.page.waitForSelector(sign, { timeout: 20_000 })
  await made.cdp.send('Performance.enable')
  await made.cdp.send('Network.enable')
  return (pages[name] = made)
}
const tv = () => live('tv', { width: 1920, height: 1080 }, options.email, `${url}/tv?class=${options.class}&lang=en`, '.wall .tile, .wall canvas')
const desk = () => live('desk', { width: 1440, height: 900 }, options.email, `${url}/coach?class=${options.class}&lang=en`, '.people .tile')
const phone = () => live('phone', { width: 390, height: 844, hasTouch: true }, options.member, `${url}/app/class/${options.class}?join=1&lang=en`, '.live[data-joined="true"]')

const run = {
  async cold({ place }) {
    const { page, cdp } = await open({ width: place.startsWith('/tv') || place.startsWith('/coach') ? 1440 : 390, height: 844 }, place === '/login' ? undefined : await state(whose(place)))
    await slow(cdp, true)
    await page.goto(`${url}${place}`, { timeout: 30_000 })
    await page.waitForSelector(READY, { timeout: 30_000 })
    await page.waitForTimeout(SETTLED_MS)
    const { lcp, cls } = await page.evaluate(() => window.vitals)
    await page.context().close()
    return { lcp_ms: Math.round(lcp), cls: Number(cls.toFixed(4)) }
  },

  async again({ place }) {
    const { page, cdp } = await open({ width: 390, height: 844 }, await state(whose(place)))
    await page.goto(`${url}${place}`)
    await page.waitForSelector(READY)
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
    // What the worker stores, it stores behind the page's back.
    await page.waitForTimeout(SETTLED_MS)
    await slow(cdp, true)
    await page.goto(`${url}${place}`)
    await page.waitForSelector(READY)
    const { usable, worker } = await page.evaluate(() => ({ usable: window.vitals.usable, worker: navigator.serviceWorker.controller !== null }))
    await page.context().close()
    return { ok: worker, ms: Math.round(usable), worker }
  },

  async taps({ slowdown }) {
    const [one, other] = [await phone(), await desk()]
    for (const { page, cdp } of [one, other]) {
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
      await page.evaluate(() => window.vitals.forget())
    }
    const tap = async (page, selector) => {
      for (const target of await page.locator(selector).all()) {
        if (!(await target.isVisible())) continue
        await target.click({ timeout: 5_000 }).catch(() => {})
        await page.waitForTimeout(250)
      }
    }
    await tap(other.page, '.zones .button')
    await tap(other.page, '.tools > .button >> nth=0')
    await tap(other.page, '.tools > .button >> nth=0')
    await other.page.click('.tile >> nth=0')
    await other.page.waitForSelector('dialog.person')
    await other.page.click('dialog.person [data-do="close"]')
    for (let times = 0; times < 3; times++) {
      await one.page.click('.hero')
      await one.page.click('.chip.sensor')
      await one.page.waitForSelector('dialog[open]')
      await one.page.keyboard.press('Escape')
      await one.page.waitForSelector('dialog[open]', { state: 'detached' })
    }
    await one.page.waitForTimeout(500)
    const [phoneInp, deskInp] = await Promise.all([one, other].map(({ page }) => page.evaluate(() => ({ inp: window.vitals.inp, taps: window.vitals.taps }))))
    for (const { cdp } of [one, other]) await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 })
    return { ok: phoneInp.taps + deskInp.taps > 5, phone_ms: Math.round(phoneInp.inp), desk_ms: Math.round(deskInp.inp), taps: phoneInp.taps + deskInp.taps }
  },

  async ticks({ seconds, slowdown }) {
    const { page, cdp } = await tv()
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
    let bytes = 0
    const count = ({ response }) => (bytes += response.opcode === 2 ? Buffer.byteLength(response.payloadData, 'base64') : response.payloadData.length)
    await page.waitForTimeout(1_000)
    const task = async () => (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value
    await page.evaluate(() => window.vitals.forget())
    cdp.on('Network.webSocketFrameReceived', count)
    const [before, began] = [await task(), performance.now()]
    await page.waitForTimeout(seconds * 1_000)
    const [after, ended] = [await task(), performance.now()]
    cdp.off('Network.webSocketFrameReceived', count)
    const { handled, longest, long } = await page.evaluate(() => window.vitals)
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 })
    const passed = (ended - began) / 1_000
    const full = handled.filter(([, size]) => size >= FULL_BYTES).map(([ms]) => ms)
    return {
      ok: handled.length >= seconds / 2,
      per_s: handled.length / passed,
      main_ms: ((after - before) * 1_000) / handled.length,
      full: full.length,
      handled_ms: percentile(full.length ? full : handled.map(([ms]) => ms), 0.95),
      frames: handled.length,
      kb_per_s: bytes / 1_000 / passed,
      long,
      longest_ms: Math.round(longest),
    }
  },

  async watch({ slot }) {
    for (const { page } of [await tv(), await desk(), await phone()]) {
      await page.evaluate((wanted) => {
        const seen = (window.seen = new Map())
        const read = () => document.querySelector(`.tile[data-slot="${wanted}"] .bpm`)?.textContent ?? document.querySelector('.hero .bpm, .hero .number')?.textContent
        let last
        new MutationObserver(() => {
          const bpm = Number(/\d+/.exec(read() ?? '')?.[0])
          if (!bpm || bpm === last) return
          last = bpm
          requestAnimationFrame(() => seen.has(bpm) || seen.set(bpm, window.shown.serverNow()))
        }).observe(document.body, { subtree: true, childList: true, characterData: true })
      }, slot)
    }
    return {}
  },

  async seen() {
    const all = {}
    for (const name of ['tv', 'desk', 'phone']) all[name] = await pages[name].page.evaluate(() => [...window.seen])
    return { pages: all }
  },

  async flip({ run: wanted }) {
    const times = []
    for (const { page } of [await tv(), await desk()]) {
      const painted = await page
        .waitForFunction((number) => window.shown.since(0, ['run']).findLast((each) => each.run === number)?.painted, wanted, { timeout: 10_000 })
        .then((handle) => handle.jsonValue())
      times.push(painted)
    }
    return { apart_ms: Math.round(Math.abs(times[0] - times[1])) }
  },

  async back({ within_ms }) {
    const began = performance.now()
    for (const { page } of [await tv(), await desk(), await phone()]) await page.waitForSelector('.link[data-state="live"]', { timeout: within_ms })
    return { ms: Math.round(performance.now() - began) }
  },

  errors: async () => ({ ok: errors.flat().length === 0, errors: errors.flat() }),
}

try {
  await steps.listen(run)
} catch (error) {
  steps.say({ step: 'fault', ok: false, error: String(error), errors: errors.flat() })
} finally {
  await browser.close()
}
process.exit(steps.failed ? 1 : 0)
