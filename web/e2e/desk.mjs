// The trainer's desk in a real browser, beside the hall's screen and a member's phone, each in a window of its own. Reads one JSON command
// a line from stdin and answers each with one line on stdout; see HELP.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { launch, logIn, newPage } from './helpers/browser.mjs'
import { shown } from './helpers/shown.mjs'
import { Steps } from './helpers/steps.mjs'

const HELP = `node e2e/desk.mjs --url URL --email E --password P --class ID [--member E] [--out DIR] [--json]     E, P: the trainer's
commands on stdin, one JSON object a line:
  {"do":"open"}                                      desk and hall's screen, and with --member the phone, which joins
  {"do":"control","name":"next","kinds":["run"]}     presses it on the desk: when each page counted down, and when each painted the change
  {"do":"undo"}                                      pauses and takes it back within the countdown: nothing changes anywhere
  {"do":"raised","kind":"sos","within_ms":40000} {"do":"acknowledge","kind":"sos"} {"do":"cleared","kind":"sos","within_ms":40000}
  {"do":"list"}                                      the list as it stands
  {"do":"crash"} {"do":"reopen"}                     the desk's tab dies between a press and its effect, and is opened anew
  {"do":"shots","name":"desk"} {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' }, member: { type: 'string' },
    out: { type: 'string', default: 'shots' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

/** A control takes effect three seconds after it is pressed; a busy machine may take some more to paint it. */
const EFFECT_MS_MAX = 8_000
const HOLD_MS = 1_200
const SIZES = { desk: { width: 1440, height: 900 }, tv: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } }

const steps = new Steps(options.json)
const browser = await launch()
const pages = {}
const errors = []

async function enter(name, email, address) {
  const made = await newPage(browser, SIZES[name])
  await made.page.addInitScript(shown)
  await logIn(made.page, options.url, email, options.password, 'en')
  await made.page.goto(address)
  pages[name] = made.page
  errors.push(made.errors)
}

const deskAddress = `${options.url}/coach?class=${options.class}&lang=en`
const live = (page) => page.waitForSelector('.link[data-state="live"]', { timeout: 15_000 })
const row = (kind) => `.attention li[data-kind="${kind}"]`

/** Each page's changes of these kinds since a moment; waits until all have one. */
async function changes(from, kinds, withinMs = EFFECT_MS_MAX, of = pages) {
  const until = performance.now() + withinMs
  for (;;) {
    const all = {}
    for (const [name, page] of Object.entries(of)) all[name] = await page.evaluate(([since, what]) => window.shown.since(since, what), [from, kinds])
    if (Object.values(all).every((list) => list.length > 0)) return all
    if (performance.now() > until) throw new Error(`not seen everywhere: ${JSON.stringify(Object.fromEntries(Object.entries(all).map(([name, list]) => [name, list.length])))}`)
    await of.tv.waitForTimeout(20)
  }
}

/** Between the first page and the last that painted something. */
const apart = (all) => {
  const times = Object.values(all).map((list) => list[0].painted)
  return Math.round(Math.max(...times) - Math.min(...times))
}

async function push(name) {
  const button = pages.desk.locator(`.drive [data-do="${name}"]`)
  if (name !== 'end') return button.click({ timeout: 5_000 })
  await button.hover()
  await pages.desk.mouse.down()
  await pages.desk.waitForTimeout(HOLD_MS)
  await pages.desk.mouse.up()
}

const list = () =>
  pages.desk.$$eval('.attention li', (rows) => rows.map(({ dataset, classList }) => ({ kind: dataset.kind, rank: Number(dataset.rank), seen: classList.contains('seen'), escalated: classList.contains('escalated') })))

/** What nobody has seen stands above what somebody has, and within both the more urgent above the less. */
const isRanked = (rows) => rows.every((each, at) => at === 0 || Number(rows[at - 1].seen) < Number(each.seen) || (rows[at - 1].seen === each.seen && rows[at - 1].rank <= each.rank))

const all = {
  async open() {
    await enter('desk', options.email, deskAddress)
    await enter('tv', options.email, `${options.url}/tv?class=${options.class}&lang=en`)
    if (options.member) {
      await enter('phone', options.member, `${options.url}/app/class/${options.class}?join=1&lang=en`)
      await pages.phone.waitForSelector('.live[data-joined="true"]', { timeout: 15_000 })
    }
    for (const page of Object.values(pages)) await live(page)
    const tiles = await pages.desk.waitForSelector('.tile').then(() => pages.desk.$$eval('.tile', (found) => found.length))
    return { tiles }
  },

  async control({ name, kinds }) {
    const from = await pages.desk.evaluate(() => window.shown.serverNow())
    await push(name)
    const counted = apart(await changes(from, ['coming'], 2_500))
    const seen = await changes(from, kinds)
    // What is counted down to goes with the effect.
    await Promise.all(Object.values(pages).map((page) => page.waitForSelector('.countdown', { state: 'detached', timeout: 5_000 })))
    const afterMs = Math.round(Math.min(...Object.values(seen).map((each) => each[0].painted)) - from)
    return { counted_ms: counted, apart_ms: apart(seen), after_ms: afterMs }
  },

  async undo() {
    const before = await pages.desk.evaluate(() => window.shown.now())
    const from = await pages.desk.evaluate(() => window.shown.serverNow())
    await push('pause')
    await changes(from, ['coming'])
    await pages.desk.click('.undo')
    await Promise.all(Object.values(pages).map((page) => page.waitForSelector('.countdown', { state: 'detached', timeout: 2_500 })))
    // Past the moment at which it would have taken effect.
    await pages.desk.waitForTimeout(3_500)
    const moved = []
    for (const [name, page] of Object.entries(pages)) if ((await page.evaluate((since) => window.shown.since(since, ['phase', 'run', 'count']), from)).length) moved.push(name)
    const after = await pages.desk.evaluate(() => window.shown.now())
    return { ok: moved.length === 0 && after.phase === before.phase, moved }
  },

  async raised({ kind, within_ms = 40_000 }) {
    await pages.desk.waitForSelector(`${row(kind)}:not(.seen)`, { timeout: within_ms })
    const rows = await list()
    return { ok: isRanked(rows), rank: rows.find((each) => each.kind === kind)?.rank, rows }
  },

  async acknowledge({ kind }) {
    await pages.desk.click(`${row(kind)} [data-do="acknowledge"]`)
    await pages.desk.waitForSelector(`${row(kind)}.seen`, { timeout: 5_000 })
    const rows = await list()
    return { ok: isRanked(rows), rows }
  },

  async cleared({ kind, within_ms = 40_000 }) {
    await pages.desk.waitForSelector(row(kind), { state: 'detached', timeout: within_ms })
    return { ok: true }
  },

  list: async () => ({ rows: await list() }),

  async crash() {
    const from = await pages.desk.evaluate(() => window.shown.serverNow())
    await push('next')
    await pages.desk.waitForSelector('.countdown')
    const cdp = await pages.desk.context().newCDPSession(pages.desk)
    const crashed = pages.desk.waitForEvent('crash', { timeout: 5_000 })
    // A page that has died answers nothing.
    void cdp.send('Page.crash').catch(() => {})
    await crashed
    const { desk: _, ...others } = pages
    const seen = await changes(from, ['run'], EFFECT_MS_MAX, others)
    return { apart_ms: apart(seen), others: Object.keys(others) }
  },

  async reopen() {
    const context = pages.desk.context()
    await pages.desk.close()
    const began = performance.now()
    pages.desk = await context.newPage()
    await pages.desk.addInitScript(shown)
    await pages.desk.goto(deskAddress)
    await live(pages.desk)
    await pages.desk.waitForSelector('.tile')
    const ms = Math.round(performance.now() - began)
    const [desk, tv] = await Promise.all([pages.desk, pages.tv].map((page) => page.evaluate(() => window.shown.now())))
    return { ok: desk.run === tv.run && desk.phase === tv.phase, ms, desk: desk.run, tv: tv.run }
  },

  async shots({ name = 'desk' }) {
    mkdirSync(options.out, { recursive: true })
    const files = []
    for (const [each, page] of Object.entries(pages)) {
      files.push(join(options.out, `${name}-${each}.png`))
      await page.screenshot({ path: files.at(-1) })
    }
    return { files }
  },

  errors: async () => ({ ok: errors.flat().length === 0, errors: errors.flat() }),
}

try {
  await steps.listen(all)
} catch (error) {
  steps.say({ step: 'fault', ok: false, error: String(error), errors: errors.flat() })
} finally {
  await browser.close()
}
process.exit(steps.failed ? 1 : 0)
