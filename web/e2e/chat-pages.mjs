// Rooms in real pages: a member on a phone and on a laptop, another member, a trainer at the desk. Their sockets are bad, the server dies,
// pages are loaded anew; what stands in each page is read back. One JSON command a line on stdin, see HELP.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { violations } from './helpers/axe.mjs'
import { launch, logIn, newPage } from './helpers/browser.mjs'
import { Faults } from './helpers/faults.mjs'
import { overlaps } from './helpers/overlap.mjs'
import { Steps, until } from './helpers/steps.mjs'

const HELP = `node e2e/chat-pages.mjs --url URL --email E --password P --class ID --ben-email E --ben-password P --coach-email E --coach-password P
commands on stdin, one JSON object a line; "who" is ana (phone, RU), ana2 (the same person on a laptop, RU), ben (laptop, EN) or coach (desk, EN):
  {"do":"open"}                                       all log in; the class's chat is opened on the desk and joined on the phone and by link
  {"do":"fault","kind":"double","rate":0.3,"seed":7}  drop, delay, double, reorder, cut, close or none: frames of all four pages, both ways
  {"do":"silence","who":"ana","way":"deaf"}           nothing reaches the page (deaf), nothing leaves it (dumb), or all is well ("")
  {"do":"write","who":"ben","texts":["a","b"]}        written and sent by Enter, without waiting for what becomes of them
  {"do":"waits","who":"ana","texts":["a"]}            until they stand there as waiting
  {"do":"same","texts":12,"within_ms":60000}          until all pages show the same, nothing waits, and there are so many; gives the texts
  {"do":"reload","who":"ana"}                         loads the page anew
  {"do":"away"}                                       until all pages say that there is no connection
  {"do":"typing"} {"do":"unread"} {"do":"scrolled"} {"do":"order"} {"do":"retried"} {"do":"moderated"} {"do":"asked"} {"do":"reacted"} {"do":"named"} {"do":"pictured"} {"do":"searched"} {"do":"between"}   what one reads where; who keeps order; what failed is tried again
  {"do":"looks","langs":["ru"],"themes":["light"],"widths":[320]}     axe and overlaps of list, room and sheets
  {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' },
    'ben-email': { type: 'string' }, 'ben-password': { type: 'string' }, 'coach-email': { type: 'string' }, 'coach-password': { type: 'string' },
    out: { type: 'string', default: 'shots' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options['ben-email'] || !options['coach-email']) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

const steps = new Steps(options.json)
const browser = await launch()
mkdirSync(options.out, { recursive: true })
const address = `/app/chats/${options.class}`
const PHONE = { width: 390, height: 844 }
const LAPTOP = { width: 1280, height: 800 }
const people = {}
for (const [who, size] of Object.entries({ ana: PHONE, ana2: LAPTOP, ben: LAPTOP, coach: LAPTOP })) {
  people[who] = { ...(await newPage(browser, size)), faults: new Faults({ both: true, delays: [100, 2_000] }) }
  await people[who].faults.route(people[who].page)
}
const { ana, ana2, ben, coach } = people
const ALL = Object.values(people)
const FIELD = '.composer textarea'
const OTHERS_LINE = (text) => `.line:has(.text:text-is("${text}"))`

async function write({ page }, text) {
  await page.fill(FIELD, text)
  await page.press(FIELD, 'Enter')
}

/** What a page shows of the room, line by line. */
const lines = ({ page }) =>
  page.$$eval('.lines .line', (all) => all.map((each) => ({ text: each.classList.contains('gone') ? '(deleted)' : each.querySelector('.text').textContent, state: each.dataset.state, seq: Number(each.dataset.seq), own: each.classList.contains('own') })))

/** Everything that was ever written, page by page. */
async function whole(who) {
  const earlier = await who.page.$('[data-do=earlier]')
  if (earlier) await earlier.click({ timeout: 1_000 }).catch(() => {})
  return { more: earlier !== null, lines: await lines(who) }
}

async function act(who, text, ...taps) {
  const line = who.page.locator(OTHERS_LINE(text))
  await line.hover()
  await line.locator('.more').click()
  for (const tap of taps) await who.page.click(`dialog.message-sheet ${tap}`)
}

const countOf = async ({ page }) => Number(await page.$eval(`.chat[data-room="${options.class}"]`, (chat) => chat.dataset.unread).catch(() => NaN))
const badgeOf = ({ page }) => page.$eval('nav.bar .badge [aria-hidden]', (badge) => Number(badge.textContent)).catch(() => 0)
const dividerOf = ({ page }) => page.$eval('.lines .unread', (line) => line.nextElementSibling?.querySelector('.text')?.textContent ?? '').catch(() => undefined)
const inRoom = ({ page }) => page.waitForSelector('.room[data-placed=true] .composer', { timeout: 20_000 })
/** As one does: by a link of the page. */
async function leaveRoom({ page }) {
  await page.click('.head .brand')
  await page.waitForSelector('.room', { state: 'detached' })
}

/** The chat of the class, over the desk. */
async function atDesk(who) {
  await who.page.goto(`${options.url}/coach?class=${options.class}`)
  await who.page.click('[data-do=chat]')
  await inRoom(who)
}

async function enter(who) {
  await who.page.goto(`${options.url}${address}`)
  await inRoom(who)
}

const all = {
  async open() {
    const mine = [options.email, options.password]
    await logIn(ana.page, options.url, ...mine, 'ru')
    await logIn(ana2.page, options.url, ...mine, 'ru')
    await logIn(ben.page, options.url, options['ben-email'], options['ben-password'], 'en')
    await logIn(coach.page, options.url, options['coach-email'], options['coach-password'], 'en')
    await Promise.all([ana, ana2].map(({ page }) => page.evaluate(() => localStorage.setItem('fitconnect.lang', 'ru'))))
    await Promise.all([ben, coach].map(({ page }) => page.evaluate(() => localStorage.setItem('fitconnect.lang', 'en'))))
    // Before there is a chat, the phone says so, and sees by itself when there is one.
    await ana.page.goto(`${options.url}/app/class/${options.class}?join=1`)
    await ana.page.waitForSelector('.live[data-joined="true"]')
    await ana.page.click('[data-do=chat]')
    await ana.page.waitForSelector('.class-chat .room-refused')
    await coach.page.goto(`${options.url}/coach?class=${options.class}`)
    await coach.page.click('[data-do=chat]')
    await coach.page.click('[data-do=open-chat]')
    await inRoom(coach)
    await ana.page.click('.class-chat [data-do=join]', { timeout: 10_000 })
    await inRoom(ana)
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-class.png') })
    await ben.page.goto(`${options.url}${address}`)
    await ben.page.click('[data-do=join]')
    await inRoom(ben)
    await Promise.all([enter(ana), enter(ana2)])
    const langs = await Promise.all(ALL.map(({ page }) => page.evaluate(() => document.documentElement.lang)))
    return { ok: langs.join() === 'ru,ru,en,en', langs }
  },

  async fault({ kind, rate, seed = 1 }) {
    ALL.forEach(({ faults }, at) => faults.set({ kind, rate, seed: seed + at }))
  },
  async silence({ who, way }) {
    people[who].faults.silence = way || undefined
  },
  async write({ who, texts }) {
    for (const text of texts) await write(people[who], text)
  },
  async waits({ who, texts, within_ms = 10_000 }) {
    const waiting = async () => (await lines(people[who])).filter((each) => each.state === 'waiting').map((each) => each.text)
    const { ok, value } = await until(ana.page, waiting, (now) => texts.every((text) => now.includes(text)), within_ms)
    return { ok, value }
  },
  /** The same on all four pages; each text as often as it stands there. */
  async same({ texts, within_ms = 60_000 }) {
    const read = () => Promise.all(ALL.map(whole))
    const text = (each) => `${each.seq} ${each.text}`
    const good = (pages) =>
      pages.every(({ more, lines: now }) => !more && now.length === texts && now.every((each) => each.state === 'there') && now.map(text).join('\n') === pages[0].lines.map(text).join('\n'))
    const { ok, ms, value } = await until(ana.page, read, good, within_ms)
    const shown = (value ?? []).map(({ lines: now }) => now.map((each) => (each.state === 'there' ? each.text : `${each.text} (${each.state})`)))
    const counts = shown.map((each) => each.length)
    const first = shown[0] ?? []
    const apart = shown.flatMap((each, at) => each.filter((one, index) => one !== first[index]).slice(0, 3).map((one) => `${Object.keys(people)[at]}: ${one}`))
    return { ok, ms, texts: first, counts, more: (value ?? []).map(({ more }) => more), apart: apart.slice(0, 6) }
  },
  async reload({ who }) {
    await people[who].page.reload()
    await people[who].page.waitForSelector('.room')
  },
  async away({ within_ms = 10_000 }) {
    const read = () => Promise.all(ALL.map(({ page }) => page.evaluate(() => document.querySelector('.link')?.dataset.state)))
    const { ok, ms, value } = await until(ana.page, read, (now) => now.every((state) => state === 'offline' || state === 'connecting'), within_ms)
    return { ok, ms, value }
  },

  /** Ben writes while Ana looks elsewhere: both her devices count; read on one, it is read on both; the divider stays where she stopped. */
  async unread({ texts, within_ms = 10_000 }) {
    await Promise.all([leaveRoom(ana), leaveRoom(ana2)])
    const before = await until(ana.page, () => Promise.all([badgeOf(ana), badgeOf(ana2)]), (now) => now.join() === '0,0', within_ms)
    for (const text of texts) await write(ben, text)
    const counted = await until(ana.page, () => Promise.all([badgeOf(ana), badgeOf(ana2)]), (now) => now.every((count) => count === texts.length), within_ms)
    await ana.page.goto(`${options.url}/app/chats`)
    const listed = await until(ana.page, () => countOf(ana), (count) => count === texts.length, within_ms)
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-list.png') })
    await ana.page.click(`.chat[data-room="${options.class}"]`)
    await inRoom(ana)
    const divider = await dividerOf(ana)
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-unread.png') })
    await ana.page.locator('[data-do=to-end]').click({ timeout: 1_000 }).catch(() => {})
    const read = await until(ana.page, () => badgeOf(ana2), (count) => count === 0, within_ms)
    await write(ben, 'one more')
    await until(ana.page, () => lines(ana), (now) => now.at(-1)?.text === 'one more', within_ms)
    const put = await dividerOf(ana)
    // Read while it came: on the other device nothing is left, and no divider.
    const none = await until(ana.page, () => badgeOf(ana2), (count) => count === 0, within_ms)
    await enter(ana2)
    const other = await dividerOf(ana2)
    const ok = before.ok && counted.ok && listed.ok && divider === texts[0] && read.ok && put === texts[0] && none.ok && other === undefined
    return { ok, before: before.value, counted: counted.value, listed: listed.value, divider, read_ms: read.ms, put, other: other ?? 'none', wrote: texts.length + 1 }
  },

  /** Ana types: the others see it, her own laptop does not; it ends when she stops, and with her message at once. */
  async typing({ text, within_ms = 2_000 }) {
    const said = ({ page }) => page.textContent('.room .typing')
    const seen = () => Promise.all([said(ben), said(coach), said(ana2)])
    const quiet = (all) => all.every((words) => words === '')
    const others = ([one, other, own]) => one.includes('typing') && other === one && own === ''
    await until(ana.page, seen, quiet, 8_000)
    await ana.page.type(FIELD, text.slice(0, 3))
    const begun = await until(ana.page, seen, others, within_ms)
    await ben.page.screenshot({ path: join(options.out, 'chat-pages-typing.png') })
    const ended = await until(ana.page, seen, quiet, 8_000)
    await ana.page.type(FIELD, text.slice(3))
    const again = await until(ana.page, seen, others, within_ms)
    await ana.page.press(FIELD, 'Enter')
    const written = await until(ana.page, seen, quiet, within_ms)
    return { ok: begun.ok && ended.ok && ended.ms >= 3_000 && again.ok && written.ok, seen: begun.value, ms: begun.ms, ended_ms: ended.ms, again: again.ok, written_ms: written.ms, wrote: 1 }
  },

  /** Ana reads far above while Ben writes: what she reads stays where it is, and a pill counts what came. */
  async scrolled({ texts, within_ms = 10_000 }) {
    // What she reads on the laptop is read: there she looks elsewhere.
    await Promise.all([enter(ana), leaveRoom(ana2)])
    await ana.page.$eval('.scroller', (scroller) => (scroller.scrollTop = 400))
    await ana.page.waitForTimeout(400)
    const top = () => ana.page.$eval('.scroller', (scroller) => ({ top: scroller.scrollTop, text: [...scroller.querySelectorAll('.line')].find((line) => line.getBoundingClientRect().top >= scroller.getBoundingClientRect().top)?.textContent }))
    const had = await top()
    for (const text of texts) await write(ben, text)
    const pill = await until(ana.page, () => ana.page.textContent('[data-do=to-end]'), (text) => text.includes(String(texts.length)), within_ms)
    const now = await top()
    const unread = await until(ana.page, () => badgeOf(ana2), (count) => count === texts.length, within_ms)
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-pill.png') })
    await ana.page.click('[data-do=to-end]')
    const gone = await until(ana.page, () => ana.page.$('[data-do=to-end]').then((found) => found === null), Boolean, within_ms)
    const read = await until(ana.page, () => badgeOf(ana2), (count) => count === 0, within_ms)
    const divider = await dividerOf(ana)
    await enter(ana2)
    const ok = pill.ok && had.text === now.text && unread.ok && gone.ok && read.ok && divider === texts[0]
    return { ok, pill: pill.value, stayed: had.text === now.text, unread: unread.value, read: read.value, divider, wrote: texts.length }
  },

  /** The trainer pins, deletes and silences from the message's menu; the pages obey. */
  async order({ within_ms = 10_000 }) {
    await write(ben, 'to be pinned')
    await write(ben, 'to be deleted')
    await coach.page.waitForSelector(OTHERS_LINE('to be deleted'))
    await act(coach, 'to be pinned', '[data-do=pin]')
    const pinned = await until(ana.page, () => ana.page.textContent('.pinned'), (text) => text.includes('to be pinned'), within_ms)
    await act(coach, 'to be deleted', '[data-do=delete]', '[data-do=sure]')
    const gone = await until(ana.page, async () => (await lines(ana)).some((each) => each.text === 'to be deleted'), (there) => !there, within_ms)
    await act(coach, 'to be pinned', '[data-do=mute]', '[data-mute="600"]')
    const silent = await until(ana.page, () => ben.page.isDisabled(FIELD), Boolean, within_ms)
    await ben.page.screenshot({ path: join(options.out, 'chat-pages-muted.png') })
    await act(coach, 'to be pinned', '[data-do=mute]', '[data-mute="0"]')
    const again = await until(ana.page, () => ben.page.isEnabled(FIELD), Boolean, within_ms)
    return { ok: pinned.ok && gone.ok && silent.ok && again.ok, pinned: pinned.ok, deleted: gone.ok, silenced: silent.ok, again: again.ok, wrote: 2 }
  },

  /** Ben's page does not hear that he is silenced: what he writes then is refused, kept, and tried again by hand. */
  async retried({ text, within_ms = 30_000 }) {
    ben.faults.silence = 'deaf'
    await act(coach, 'to be pinned', '[data-do=mute]', '[data-mute="600"]')
    await write(ben, text)
    ben.faults.silence = undefined
    const state = async () => (await lines(ben)).find((each) => each.text === text)?.state
    const failed = await until(ana.page, state, (now) => now === 'failed', within_ms)
    await ben.page.reload()
    await inRoom(ben)
    const kept = await until(ana.page, state, (now) => now === 'failed', within_ms)
    await ben.page.screenshot({ path: join(options.out, 'chat-pages-failed.png') })
    await act(coach, 'to be pinned', '[data-do=mute]', '[data-mute="0"]')
    await until(ana.page, () => ben.page.isEnabled(FIELD), Boolean, within_ms)
    await ben.page.click(`${OTHERS_LINE(text)} [data-do=retry]`)
    const there = await until(ana.page, state, (now) => now === 'there', within_ms)
    return { ok: failed.ok && kept.ok && there.ok, failed: failed.value, kept: kept.value, there: there.value, wrote: 1 }
  },

  /** Ben answers Ana without words; she joins in by a tap, he takes his back. */
  async reacted({ text, within_ms = 5_000 }) {
    const chip = ({ page }) => page.$eval(`${OTHERS_LINE(text)} .reaction[data-reaction=fire]`, (each) => `${/\d+/.exec(each.textContent)[0]} ${each.ariaPressed}`).catch(() => '')
    const shows = (who, wanted) => until(ana.page, () => chip(who), (now) => now === wanted, within_ms)
    await act(ben, text, '[data-react=fire]')
    const one = [await shows(ben, '1 true'), await shows(ana, '1 false')]
    await ana.page.click(`${OTHERS_LINE(text)} .reaction[data-reaction=fire]`)
    const two = [await shows(ana, '2 true'), await shows(ana2, '2 true'), await shows(coach, '2 false')]
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-reaction.png') })
    await ben.page.click(`${OTHERS_LINE(text)} .reaction[data-reaction=fire]`)
    const back = [await shows(ben, '1 false'), await shows(ana, '1 true')]
    const all = [...one, ...two, ...back]
    return { ok: all.every(({ ok }) => ok), shown: all.map(({ value }) => value) }
  },

  /** Ben names Ana while she looks elsewhere: it waits in her inbox, leads to the message, and is read on both devices then. */
  async named({ hers, within_ms = 10_000 }) {
    const waits = ({ page }) => page.$eval('[data-do=inbox]', (each) => Number(each.dataset.unread)).catch(() => NaN)
    await Promise.all([ana, ana2].map(({ page }) => page.goto(`${options.url}/app/chats`)))
    const before = await until(ana.page, () => Promise.all([waits(ana), waits(ana2)]), (now) => now.every(Number.isFinite), within_ms)
    const name = /^Actions: (.+), \d\d:\d\d, /.exec(await ben.page.getAttribute(`${OTHERS_LINE(hers)} .more`, 'aria-label'))[1]
    await ben.page.type(FIELD, `so, @${name.slice(0, 3)}`)
    await ben.page.waitForSelector('.offered [data-mention]', { timeout: within_ms })
    const problems = await violations(ben.page)
    await ben.page.screenshot({ path: join(options.out, 'chat-pages-mention.png') })
    const offered = await ben.page.$$eval('.offered [data-mention]', (all) => all.map((each) => each.dataset.mention))
    for (let at = 0; at < offered.indexOf(name); at++) await ben.page.press(FIELD, 'ArrowDown')
    await ben.page.press(FIELD, 'Enter')
    await ben.page.type(FIELD, 'look here')
    await ben.page.press(FIELD, 'Enter')
    const text = `so, @${name} look here`
    const told = await until(ana.page, () => Promise.all([waits(ana), waits(ana2)]), (now) => now.every((count, at) => count === before.value[at] + 1), within_ms)
    await ana.page.click('[data-do=inbox]')
    await ana.page.waitForSelector('[data-notice=mentioned]')
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-inbox.png') })
    await ana.page.click('[data-notice=mentioned][data-unread=true]')
    await inRoom(ana)
    const there = await until(ana.page, () => ana.page.$eval(`.line:has(.text:has-text("${text}")) .mention`, (each) => each.classList.contains('me')), Boolean, within_ms)
    const read = await until(ana.page, () => waits(ana2), (now) => now === before.value[1], within_ms)
    await Promise.all([enter(ana), enter(ana2)])
    return { ok: told.ok && there.ok && read.ok && problems.length === 0, offered, waits: told.value, in_ms: told.ms, there: there.ok, read: read.ok, problems, wrote: 1 }
  },

  /** Ben sends a large picture: both of Ana's devices show it, made smaller; the trainer deletes it, and it is gone. */
  async pictured({ text, within_ms = 15_000 }) {
    const drawn = await ben.page.evaluate(async () => {
      const canvas = new OffscreenCanvas(2_400, 1_800)
      const context = canvas.getContext('2d')
      for (let at = 0; at < 24; at++) {
        context.fillStyle = `hsl(${at * 15} 70% 50%)`
        context.fillRect(at * 100, 0, 100, 1_800)
      }
      const file = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())
      return btoa(file.reduce((all, byte) => all + String.fromCharCode(byte), ''))
    })
    await ben.page.setInputFiles('.composer [type=file]', { name: 'stripes.png', mimeType: 'image/png', buffer: Buffer.from(drawn, 'base64') })
    await ben.page.fill(FIELD, text)
    await ben.page.waitForSelector('[data-do=send]:enabled', { timeout: within_ms })
    await ben.page.screenshot({ path: join(options.out, 'chat-pages-attached.png') })
    const problems = await violations(ben.page)
    await ben.page.press(FIELD, 'Enter')
    const size = ({ page }) => page.$eval(`${OTHERS_LINE(text)} .picture img[data-there=true]`, (each) => `${each.naturalWidth} × ${each.naturalHeight}`).catch(() => '')
    const shown = await until(ana.page, () => Promise.all([size(ana), size(ana2), size(coach)]), (now) => now.every((each) => each === '1600 × 1200'), within_ms)
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-picture.png') })
    await ana.page.click(`${OTHERS_LINE(text)} .picture .look`)
    const large = await ana.page.waitForSelector('dialog.picture-large img', { timeout: within_ms }).then(() => true)
    await ana.page.click('dialog.picture-large .look')
    await act(coach, text, '[data-do=delete]', '[data-do=sure]')
    const gone = await until(ana.page, () => ana.page.$('.lines .picture').then((found) => found === null), Boolean, within_ms)
    return { ok: shown.ok && large && gone.ok && problems.length === 0, shown: shown.value, in_ms: shown.ms, large, gone: gone.ok, problems, wrote: 1 }
  },

  /** Ana looks for a message by the beginnings of its words, and goes to it. */
  async searched({ words, text, within_ms = 10_000 }) {
    await ana.page.click('.room-head [data-do=search]')
    await ana.page.fill('#search-words', words)
    await ana.page.waitForSelector('dialog.search [data-hit]', { timeout: within_ms })
    const found = await ana.page.$$eval('dialog.search [data-hit] span', (all) => all.map((each) => each.textContent))
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-search.png') })
    await ana.page.click(`dialog.search [data-hit]:has(span:text-is("${text}"))`)
    const near = await until(ana.page, () => ana.page.evaluate(() => document.activeElement.closest?.('.line')?.querySelector('.text')?.textContent), (now) => now === text, within_ms)
    return { ok: found.includes(text) && near.ok, found, at: near.value }
  },

  /**
   * Ana finds Ben by name and writes to him alone. What has arrived and what he has read stands under her message. He reports it and
   * blocks her, two taps each: nothing goes between them, and she is nowhere on his pages until he takes it back. Both ride: he is gone
   * from the ranking on her laptop at once, and there again.
   */
  async between({ his, text, within_ms = 15_000 }) {
    const name = /^[^:]+: (.+), \d\d:\d\d, /.exec(await ana.page.getAttribute(`${OTHERS_LINE(his)} .more`, 'aria-label'))[1]
    const live = `${options.url}/app/class/${options.class}?join=1`
    await Promise.all([ben.page.goto(live), ana2.page.goto(live), ana.page.goto(`${options.url}/app/chats`)])
    await ben.page.waitForSelector('.live[data-joined="true"]')
    const rows = () => ana2.page.$$eval('.board .who', (all) => all.map((each) => each.textContent.trim()))
    const ranked = await until(ana2.page, rows, (all) => all.some((each) => each.startsWith(name)), within_ms)
    await ben.page.goto(`${options.url}/app/chats`)
    await ben.page.waitForSelector('.chat-list .chat[data-room]')
    await ana.page.click('[data-do=new]')
    await ana.page.fill('#find', name)
    await ana.page.click(`dialog.new-chat [data-user]:text-is("${name}")`)
    await inRoom(ana)
    const room = await ana.page.getAttribute('.room', 'data-room')
    await write(ana, text)
    const arrived = () => ana.page.$eval(`${OTHERS_LINE(text)} [data-arrived]`, (each) => each.dataset.arrived).catch(() => '')
    const got = await until(ana.page, arrived, (now) => now === 'got', within_ms)
    await ben.page.click(`.chat[data-room="${room}"]`, { timeout: within_ms })
    await inRoom(ben)
    const read = await until(ana.page, arrived, (now) => now === 'read', within_ms)
    const there = await until(ana.page, () => ana.page.$eval('.room-head .there', (each) => each.dataset.is), (is) => is === 'in_class', within_ms)
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-between.png') })
    const problems = [...(await violations(ana.page)), ...(await overlaps(ana.page))]
    await act(ben, text, '[data-do=report]', '[data-reason=spam]')
    await ben.page.click('dialog.message-sheet [data-do=told]')
    await act(ben, text, '[data-do=block]')
    const closed = await until(ana.page, () => ana.page.$('.composer').then((found) => found === null), Boolean, within_ms)
    const hidden = await until(ana.page, () => lines(ben), (now) => now.every((each) => each.text !== text), within_ms)
    const left_out = await until(ana2.page, rows, (all) => all.length > 0 && all.every((each) => !each.startsWith(name)), 2_000)
    await ben.page.goto(`${options.url}/app/me`)
    await ben.page.click('[data-do=unblock]', { timeout: within_ms })
    const open = await until(ana.page, () => ana.page.$(FIELD).then((found) => found !== null), Boolean, within_ms)
    const back = await until(ana2.page, rows, (all) => all.some((each) => each.startsWith(name)), within_ms)
    await Promise.all([enter(ana), enter(ana2), enter(ben)])
    const ok = [ranked, got, read, there, closed, hidden, left_out, open, back].every((each) => each.ok) && problems.length === 0
    const ranking = { ranked: ranked.ok, left_out_ms: left_out.ok ? left_out.ms : left_out.value, back: back.ok }
    return { ok, got_ms: got.ms, read_ms: read.ms, there: there.value, closed: closed.ok, hidden: hidden.ok, open: open.ok, ...ranking, problems }
  },

  /** Ben asks the front desk; the desk of the trainer says that somebody waits, who answers from the chats; then nobody waits any more. */
  async asked({ text, answer, within_ms = 15_000 }) {
    await ben.page.goto(`${options.url}/app/chats`)
    await ben.page.click('[data-do=new]')
    await ben.page.click('dialog.new-chat [data-do=support]')
    await inRoom(ben)
    await write(ben, text)
    await until(ben.page, () => lines(ben), (now) => now.some((each) => each.text === text && each.state === 'there'), within_ms)
    const called = await ben.page.textContent('.room-name')
    await coach.page.goto(`${options.url}/coach?class=${options.class}`)
    const waits = () => coach.page.$eval('[data-do=chats]', (link) => Number(link.dataset.waiting))
    const counted = await until(coach.page, waits, (now) => now > 0, within_ms)
    await coach.page.click('[data-do=chats]')
    const row = '[data-part=desk] .chat[data-waits=true]'
    await coach.page.waitForSelector(row, { timeout: within_ms })
    const problems = [...(await violations(coach.page)), ...(await overlaps(coach.page))]
    await coach.page.screenshot({ path: join(options.out, 'chat-pages-front-desk.png') })
    const line = await coach.page.textContent(`${row} .last`)
    await coach.page.click(row)
    await coach.page.click('.room[data-placed=true] [data-do=join]', { timeout: within_ms })
    await inRoom(coach)
    await write(coach, answer)
    const seen = await until(ben.page, () => lines(ben), (now) => now.some((each) => each.text === answer), within_ms)
    const none = await until(coach.page, () => coach.page.$(row).then((found) => found === null), Boolean, within_ms)
    await coach.page.screenshot({ path: join(options.out, 'chat-pages-answered.png') })
    await coach.page.click('[data-do=back]')
    const back = await coach.page.waitForSelector('.desk', { timeout: within_ms }).then(() => true)
    await Promise.all([enter(ben), atDesk(coach)])
    const ok = called === 'Front desk' && counted.ok && line === text && seen.ok && none.ok && back && problems.length === 0
    return { ok, called, waiting: counted.value, line, answered_ms: seen.ms, waits_no_more: none.ok, back, problems }
  },

  /** In a team of her own Ana finds what was reported, and deletes it: she is no staff. */
  async moderated({ room, text, within_ms = 10_000 }) {
    await ana.page.goto(`${options.url}/app/chats/${room}`)
    await inRoom(ana)
    await ana.page.click('.room-head [data-do=about]')
    await ana.page.click('dialog.room-sheet [data-do=reports]')
    await ana.page.waitForSelector('dialog.reports li[data-reported]', { timeout: within_ms })
    const words = await ana.page.$$eval('dialog.reports blockquote', (all) => all.map((each) => each.textContent))
    await ana.page.screenshot({ path: join(options.out, 'chat-pages-reports.png') })
    const problems = await violations(ana.page)
    await ana.page.click('dialog.reports [data-do=delete]')
    await ana.page.waitForSelector('dialog.reports li[data-reported]', { state: 'detached', timeout: within_ms })
    await ana.page.click('dialog.reports [data-do=close]')
    await ana.page.click('dialog.room-sheet [data-do=close]')
    const gone = await until(ana.page, () => lines(ana), (now) => now.every((each) => each.text !== text), within_ms)
    await enter(ana)
    return { ok: words.join() === text && gone.ok && problems.length === 0, words, deleted: gone.ok, problems }
  },

  async looks({ langs = ['ru', 'en', 'pseudo'], themes = ['light', 'dark', 'contrast'], widths = [320, 390, 899, 900, 1280, 1920] }) {
    const problems = []
    let looks = 0
    const sheets = [['new', '[data-do=new]', '/app/chats'], ['about', '[data-do=about]', address], ['person', '[data-do=about], .members .more', address], ['message', '.line:not(.own):not(.gone) .more >> nth=-1', address], ['search', '.room-head [data-do=search]', address]]
    const members = [['list', '', '/app/chats'], ['inbox', '', '/app/inbox'], ['room', '', address], ...sheets]
    const staff = [['staff', '', '/coach/chats'], ['staff-inbox', '', '/coach/inbox'], ['staff-room', '', `/coach/chats/${options.class}`], ['staff-new', '[data-do=new]', '/coach/chats']]
    for (const [{ page }, places] of [[ana, members], [coach, staff]]) {
      await page.emulateMedia({ reducedMotion: 'reduce' })
      for (const lang of langs) {
        for (const theme of themes) {
          await page.evaluate(([l, t]) => (localStorage.setItem('fitconnect.lang', l), localStorage.setItem('fitconnect.theme', t)), [lang, theme])
          for (const [name, opens, place] of places) {
            for (const width of opens ? [widths[0]] : widths) {
              await page.setViewportSize({ width, height: width < 768 ? 844 : Math.round((width * 9) / 16) })
              if (width === widths[0]) {
                await page.goto(`${options.url}${place}`)
                // What the head says of the link may take a line more before it is there: a tap would land beside.
                await page.waitForSelector('.link[data-state="live"]')
                await page.waitForSelector(name === 'inbox' ? '[data-notice]' : name === 'staff-inbox' ? '.inbox' : place === '/coach/chats' ? '[data-part=desk] .chat' : place === '/app/chats' ? '.chat' : '.room[data-placed=true]')
                for (const tap of opens ? opens.split(', ') : []) await page.locator(tap).first().click({ force: true })
                if (opens) await page.waitForSelector(name === 'person' ? 'dialog.person-sheet' : 'dialog[open]')
              }
              await page.waitForTimeout(120)
              const at = `${name} ${lang} ${theme} ${width}`
              if (width === widths[0]) problems.push(...(await violations(page)).map((text) => `${at}: ${text}`))
              problems.push(...(await overlaps(page)).map((text) => `${at}: ${text}`))
              if (lang !== 'pseudo') await page.screenshot({ path: join(options.out, `chat-pages-${at.replaceAll(' ', '-')}.png`) })
              looks++
            }
          }
        }
      }
    }
    for (const [{ page }, lang, size] of [[ana, 'ru', PHONE], [coach, 'en', LAPTOP]]) {
      await page.evaluate((l) => (localStorage.setItem('fitconnect.lang', l), localStorage.removeItem('fitconnect.theme')), lang)
      await page.setViewportSize(size)
    }
    await Promise.all([enter(ana), atDesk(coach)])
    return { ok: problems.length === 0, looks, count: problems.length, problems: [...new Set(problems)].slice(0, 40) }
  },

  async errors() {
    // A frame that was cut cannot be read: the page says so and dials anew. Into a socket that was just closed nothing is written.
    const expected = /^unreadable frame|^WebSocket is already in CLOSING or CLOSED state/
    const found = ALL.flatMap(({ errors }) => errors).filter((text) => !expected.test(text))
    const counts = {}
    for (const { faults } of ALL) for (const [kind, count] of Object.entries(faults.counts)) counts[kind] = (counts[kind] ?? 0) + count
    return { ok: found.length === 0, errors: found, counts }
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
