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
  {"do":"foresee","name":"more"}                     points at it, reads the forecast, presses it: did the plan's end come true?
  {"do":"undo"}                                      pauses and takes it back within the countdown: nothing changes anywhere
  {"do":"raised","kind":"sos","within_ms":40000} {"do":"acknowledge","kind":"sos"} {"do":"cleared","kind":"sos","within_ms":40000}
  {"do":"list"}                                      the list as it stands
  {"do":"second","email":"…"}                        another trainer opens a desk, takes over, pauses and goes on; the first one takes it back
  {"do":"escalated","kind":"sos","within_ms":10000}  how both desks show what nobody has answered
  {"do":"whisper","slot":6} {"do":"shown"} {"do":"acted","within_ms":20000}     private words, and what becomes of them
  {"do":"swap","a":5,"b":7}                          two people had each other's straps from the start of class: their points before and after
  {"do":"film"} {"do":"film_tv"} {"do":"replay"}     the desk and the hall's screen look back; the desk runs a class that is over again
  {"do":"guest","name":"…"}                          lets somebody in who has no account
  {"do":"strap","name":"…","source":7}               hands somebody a sensor that nobody wears
  {"do":"beats","name":"…"}                          the heart rate on that person's tile, once there is one
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
/** Forty seconds of a class that runs at twenty times the speed of life. */
const STEADY_MS = 2_000
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

/** Tiles on the desk's wall once there are as many as the desk says people are here: who has just come has a row with the next tick. */
async function settled() {
  const same = () => {
    const tiles = document.querySelectorAll('.tile').length
    return tiles > 0 && tiles === Number(/\d+/.exec(document.querySelectorAll('.facts span')[1]?.textContent ?? '')?.[0])
  }
  // The head may still say what was true before the last one came.
  await pages.desk.waitForTimeout(1_000)
  await pages.desk.waitForFunction(same, null, { timeout: 5_000 }).catch(() => {})
  return pages.desk.$$eval('.tile', (found) => found.length)
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

/** Where the film stands, class milliseconds since the plan began. */
const place = (page) => page.$eval('.film .scale input', (scale) => scale.valueAsNumber)

/** Where it stands, and the heart rates that are on the tiles, by place; of the class as it is, where no film runs. */
async function moment(page) {
  // What has changed is painted with the next frames.
  await page.waitForTimeout(300)
  const at_ms = await place(page).catch(() => undefined)
  const shown = (found) => found.flatMap((tile) => (Number(tile.querySelector('.bpm')?.textContent) > 0 ? [[tile.dataset.slot, Number(tile.querySelector('.bpm').textContent)]] : []))
  return { at_ms, tiles: Object.fromEntries(await page.$$eval('.people .tile', shown)) }
}

const all = {
  async open() {
    await enter('desk', options.email, deskAddress)
    await enter('tv', options.email, `${options.url}/tv?class=${options.class}&lang=en`)
    if (options.member) {
      await enter('phone', options.member, `${options.url}/app/class/${options.class}?join=1&lang=en`)
      await pages.phone.waitForSelector('.live[data-joined="true"]', { timeout: 15_000 })
    }
    for (const page of Object.values(pages)) await live(page)
    return { tiles: await settled() }
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

  async foresee({ name }) {
    const ends = () => pages.desk.$$eval('.rail .now .quiet', (lines) => /\d+:\d+/.exec(lines.at(-1)?.textContent ?? '')?.[0])
    const before = await ends()
    await pages.desk.hover(`.drive [data-do="${name}"]`)
    await pages.desk.waitForFunction(() => document.querySelector('.foreseen')?.textContent, null, { timeout: 5_000 })
    const words = await pages.desk.textContent('.foreseen')
    if (options.out) await pages.desk.screenshot({ path: join(options.out, `foreseen-${name}.png`) })
    await push(name)
    await pages.desk.waitForSelector('.countdown', { timeout: 5_000 })
    await pages.desk.waitForSelector('.countdown', { state: 'detached', timeout: 8_000 })
    const after = await ends()
    return { words, before, after, gone: (await pages.desk.textContent('.foreseen')) === '' }
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

  async second({ email }) {
    await enter('second', email, deskAddress)
    const { desk, second } = pages
    await second.waitForSelector('.lead[data-leads="other"]', { timeout: 5_000 })
    const locked = await second.$$eval('.buttons .button', (found) => found.length)
    const from = await desk.evaluate(() => window.shown.serverNow())
    await second.click('[data-do="take-over"]')
    await desk.waitForSelector('.lead[data-leads="other"]', { timeout: 2_000 })
    const knownMs = Math.round((await desk.evaluate(() => window.shown.serverNow())) - from)
    // The keys of the one who no longer leads do nothing.
    await desk.keyboard.press('n')
    const press = (name) => second.click(`.drive [data-do="${name}"]`, { timeout: 5_000 })
    const apartMs = []
    for (const name of ['pause', 'resume']) {
      const since = await desk.evaluate(() => window.shown.serverNow())
      await press(name)
      const seen = await changes(since, ['phase'])
      apartMs.push(apart(seen))
      if (Object.values(seen).some((list) => list.some(({ what }) => what.includes('run')))) throw new Error('the plan was moved by who does not lead')
    }
    await second.click('[data-do="hand-over"]')
    await desk.waitForSelector('.lead[data-leads="nobody"]', { timeout: 2_000 })
    await second.close()
    delete pages.second
    return { ok: locked === 0, taken_ms: knownMs, apart_ms: Math.max(...apartMs) }
  },

  async escalated({ kind, email, within_ms = 10_000 }) {
    await enter('second', email, deskAddress)
    const row = `.attention li[data-kind="${kind}"].escalated`
    await Promise.all([pages.desk, pages.second].map((page) => page.waitForSelector(row, { timeout: within_ms })))
    const spoken = await pages.second.$eval('.attention [aria-live="assertive"]', (element) => element.textContent)
    await pages.second.close()
    delete pages.second
    return { ok: spoken !== '', spoken }
  },

  async whisper({ slot }) {
    await pages.desk.click(`.tile[data-slot="${slot}"]`)
    await pages.desk.click(`.person[data-slot="${slot}"] [data-whisper="ease"]`)
    await pages.desk.waitForSelector('.whisper', { timeout: 5_000 })
    return {}
  },

  async shown() {
    const words = await pages.phone.waitForSelector('.said.alone', { timeout: 5_000 }).then((element) => element.textContent())
    await pages.desk.waitForSelector('.whisper[data-state="shown"]', { timeout: 5_000 })
    // While the heart does as before, nobody says that the words worked.
    await pages.desk.waitForTimeout(STEADY_MS)
    const state = await pages.desk.getAttribute('.whisper', 'data-state')
    return { ok: state === 'shown', words, state }
  },

  async acted({ within_ms = 20_000 }) {
    await pages.desk.waitForSelector('.whisper[data-state="acted"]', { timeout: within_ms })
    const trail = await pages.desk.$eval('.trail path', (path) => path.getAttribute('d').length)
    await pages.desk.screenshot({ path: join(options.out, 'desk-person.png') })
    await pages.desk.click('.person [data-do="close"]')
    return { ok: trail > 0 }
  },

  async swap({ a, b }) {
    const points = (slot) => pages.desk.$eval(`.tile[data-slot="${slot}"] .points`, (element) => Number(element.textContent))
    const before = [await points(a), await points(b)]
    await pages.desk.click(`.tile[data-slot="${a}"]`)
    await pages.desk.selectOption('#swap', String(b))
    await pages.desk.click('.person [data-do="swap-start"]')
    await pages.desk.click('.person [data-do="close"]')
    const until = performance.now() + 10_000
    for (;;) {
      const after = [await points(a), await points(b)]
      const turned = before[0] > before[1] ? after[0] < after[1] : after[0] > after[1]
      if (turned || performance.now() > until) return { ok: turned && before[0] !== before[1], before, after }
      await pages.desk.waitForTimeout(50)
    }
  },

  async film() {
    const { desk } = pages
    const moments = []
    const still = async () => {
      await desk.waitForSelector('.film[data-state="paused"]', { timeout: 10_000 })
      moments.push(await moment(desk))
    }
    await desk.click('[data-do="look-back"]')
    await desk.waitForSelector('.film[data-state="playing"]', { timeout: 10_000 })
    await desk.click('[data-do="film-play"]')
    await still()
    await desk.keyboard.press('ArrowLeft')
    await still()
    await desk.click('[data-do="alarm-before"]')
    await still()
    const alarm = await desk.textContent('.film .alarm')
    if (options.out) await desk.screenshot({ path: join(options.out, 'desk-film.png') })
    const began = performance.now()
    await desk.keyboard.press('Escape')
    await desk.waitForSelector('.film', { state: 'detached' })
    await desk.waitForSelector('.people .tile')
    const now_ms = Math.round(performance.now() - began)
    // At twenty times the speed of life half a second of a busy machine is ten seconds without a heart.
    const beating = () => [...document.querySelectorAll('.people .tile .bpm')].filter((bpm) => Number(bpm.textContent) > 0).length
    await desk.waitForFunction(`(${beating})() + 1 >= document.querySelectorAll('.people .tile').length`, null, { timeout: 5_000 }).catch(() => {})
    const now = (await moment(desk)).tiles
    const unlike = moments.flatMap(({ tiles }) => Object.entries(tiles)).filter(([slot, bpm]) => now[slot] !== bpm).length
    return { ok: alarm !== '' && moments[1].at_ms < moments[0].at_ms, moments, now, alarm, unlike, now_ms }
  },

  async film_tv() {
    const { tv } = pages
    await tv.keyboard.press('ArrowLeft')
    await tv.waitForSelector('.film[data-state="playing"]', { timeout: 10_000 })
    await tv.waitForSelector('.wall .tile')
    await tv.keyboard.press('ArrowLeft')
    await tv.waitForFunction(() => document.querySelector('.film[data-state="playing"] .behind'), null, { timeout: 10_000 })
    const behind = await tv.textContent('.film .behind')
    if (options.out) await tv.screenshot({ path: join(options.out, 'tv-film.png') })
    await tv.keyboard.press('Escape')
    await tv.waitForSelector('.film', { state: 'detached' })
    await live(tv)
    await tv.waitForSelector('.wall .tile')
    return { ok: /^−[1-9]/.test(behind), behind }
  },

  async replay() {
    const { desk } = pages
    const open = '[data-do="look-back"]:has-text("Replay")'
    await desk.click(open, { timeout: 10_000 })
    await desk.waitForSelector('.film[data-state="playing"]', { timeout: 10_000 })
    await desk.selectOption('.film select', '16')
    const [began, from] = [performance.now(), await place(desk)]
    await desk.waitForTimeout(4_000)
    const [ms, to] = [Math.round(performance.now() - began), await place(desk)]
    const { tiles } = await moment(desk)
    if (options.out) await desk.screenshot({ path: join(options.out, 'desk-replay.png') })
    await desk.click('[data-do="film-live"]')
    await desk.waitForSelector('.film', { state: 'detached' })
    return { ok: Object.keys(tiles).length > 0, moved_ms: to - from, ms }
  },

  async guest({ name }) {
    await pages.desk.click('[data-do="list"]')
    await pages.desk.fill('#guest', name)
    await pages.desk.keyboard.press('Enter')
    await pages.desk.waitForSelector(`.roster li:has-text("${name}")`, { timeout: 5_000 })
    await pages.desk.click('.roster [data-do="close"]')
    return { tiles: await settled() }
  },

  async strap({ name, source }) {
    const { desk } = pages
    const taps = ['[data-do="list"]', `.roster li:has-text("${name}") [data-hand]`, `[data-strap="${source}"]`]
    for (const tap of taps) await desk.click(tap, { timeout: 5_000 })
    await desk.waitForSelector('.basket', { state: 'detached', timeout: 5_000 })
    if (options.out) await desk.screenshot({ path: join(options.out, 'desk-strap.png') })
    await desk.click('.roster [data-do="close"]')
    return { taps: taps.length }
  },

  async beats({ name, within_ms = 5_000 }) {
    // Who has no maximum yet has the heart rate itself where others have its percent.
    const number = await pages.desk.waitForFunction(
      (wanted) => {
        const tile = [...document.querySelectorAll('.tile')].find((each) => each.textContent.includes(wanted))
        return Number(tile?.querySelector('.hero')?.textContent) || undefined
      },
      name,
      { timeout: within_ms },
    )
    return { bpm: await number.jsonValue() }
  },

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
