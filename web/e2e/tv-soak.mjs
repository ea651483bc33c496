// A hall's screen for hours: let in by its digits on the trainer's desk, watched, put out. One JSON command a line on stdin, see HELP.

import { parseArgs } from 'node:util'
import { launch, logIn, newPage } from './helpers/browser.mjs'
import { pixelsChanged } from './helpers/probe.mjs'
import { Steps, until } from './helpers/steps.mjs'

const HELP = `node e2e/tv-soak.mjs --url URL --email E --password P --class ID [--hall NAME] [--slowdown N] [--json]
commands on stdin, one JSON object a line:
  {"do":"offered","within_ms":10000}               a screen that nobody has logged in shows six digits and their QR code
  {"do":"pair","within_ms":5000}                   the trainer says the digits on the desk; until the screen shows the class
  {"do":"begin"} {"do":"end"}                      heap and nodes after a collection; in between, long tasks and frames are counted
  {"do":"moving","at_least":10,"within_ms":4000}   tiles that change
  {"do":"unpair","within_ms":1000}                 the trainer puts the screen out; until it shows digits and nothing of the class
  {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' },
    hall: { type: 'string', default: 'Hall 1' }, slowdown: { type: 'string', default: '1' }, out: { type: 'string' },
    json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

const steps = new Steps(options.json)
const { url } = options
const browser = await launch()
const tv = await newPage(browser)
const desk = await newPage(browser, { width: 1280, height: 800 })
const cdp = await tv.page.context().newCDPSession(tv.page)
let frames = 0

const WALL = 'canvas.numbers, .tile'
const DIGITS = '[data-code]'

/** The least of three looks: what a collection has not reached yet is not what grows. */
async function rest() {
  const looks = []
  for (let look = 0; look < 3; look++) {
    await cdp.send('HeapProfiler.collectGarbage')
    await tv.page.waitForTimeout(500)
    const { metrics } = await cdp.send('Performance.getMetrics')
    looks.push(Object.fromEntries(metrics.map(({ name, value }) => [name, value])))
  }
  const least = (name) => Math.min(...looks.map((look) => look[name]))
  return { heap_mb: least('JSHeapUsedSize') / 1e6, nodes: least('Nodes') }
}

async function openDesk(code) {
  await desk.page.goto(`${url}/coach?pair=${code}&lang=en`)
  await desk.page.waitForSelector('dialog.screens #pair-hall')
}

const run = {
  async offered({ within_ms }) {
    await tv.page.goto(`${url}/tv?lang=en`)
    await tv.page.waitForSelector(DIGITS, { timeout: within_ms })
    await tv.page.waitForSelector('.plate svg', { timeout: within_ms })
    return { code: await tv.page.getAttribute(DIGITS, 'data-code') }
  },

  async pair({ within_ms }) {
    await logIn(desk.page, url, options.email, options.password, 'en')
    await openDesk(await tv.page.getAttribute(DIGITS, 'data-code'))
    await desk.page.fill('#pair-hall', options.hall)
    await desk.page.click('[data-do="pair"]')
    const seen = await until(tv.page, () => tv.page.$(WALL), (wall) => wall !== null, within_ms)
    return { ok: seen.ok, ms: seen.ms }
  },

  async begin() {
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: Number(options.slowdown) })
    const before = await rest()
    await tv.page.evaluate(() => {
      window.longTasks = { count: 0, longest: 0 }
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          window.longTasks.count++
          window.longTasks.longest = Math.max(window.longTasks.longest, duration)
        }
      }).observe({ type: 'longtask' })
    })
    frames = 0
    return before
  },

  async end() {
    // Before the collection, which is a long task of our own.
    const { count, longest } = await tv.page.evaluate(() => window.longTasks)
    const counted = frames
    return { ...(await rest()), long_tasks: count, longest_ms: longest, frames: counted }
  },

  async moving({ at_least, within_ms }) {
    if (await tv.page.$('canvas.numbers')) {
      const { tiles, changed } = await pixelsChanged(tv.page, within_ms)
      return { ok: changed >= Math.min(at_least, tiles), tiles, changed }
    }
    const read = () => tv.page.$$eval('.tile', (tiles) => tiles.map((tile) => tile.textContent))
    const before = await read()
    await tv.page.waitForTimeout(within_ms)
    const after = await read()
    const changed = after.filter((text, index) => text !== before[index]).length
    return { ok: changed >= at_least, tiles: after.length, changed }
  },

  async unpair({ within_ms }) {
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 })
    if (!(await desk.page.$('dialog.screens'))) await desk.page.click('[data-do="screens"]')
    await desk.page.click(`dialog.screens [data-screen]:has-text("TV, ${options.hall}") [data-do="unpair"]`, { timeout: 5_000 })
    await desk.page.waitForSelector('[data-do="unpair-yes"]', { timeout: 5_000 })
    // From when the desk asks for it: what a click takes in a browser that is tested is not the screen's.
    const asked = desk.page.waitForRequest((request) => request.method() === 'DELETE')
    const clicked = desk.page.click('[data-do="unpair-yes"]')
    await asked
    const seen = await until(tv.page, () => tv.page.$(WALL), (wall) => wall === null, within_ms)
    await clicked
    await tv.page.waitForSelector(DIGITS, { timeout: 5_000 })
    return { ok: seen.ok, ms: seen.ms }
  },

  errors: async () => ({ ok: tv.errors.length + desk.errors.length === 0, errors: [...tv.errors, ...desk.errors] }),
}

try {
  await cdp.send('Performance.enable')
  await cdp.send('Network.enable')
  cdp.on('Network.webSocketFrameReceived', () => frames++)
  await steps.listen(run)
} catch (error) {
  steps.say({ step: 'fault', ok: false, error: String(error), errors: tv.errors })
} finally {
  await browser.close()
}
process.exit(steps.failed ? 1 : 0)
