// The pages for everybody: axe and the overlap test in languages, themes and widths; each main task by keyboard alone; colour
// visions, reduced motion, forced colours, larger text. One JSON command a line on stdin, see HELP. `shots` are to be looked at.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { violations } from './helpers/axe.mjs'
import { launch, logIn, newPage } from './helpers/browser.mjs'
import { overlaps } from './helpers/overlap.mjs'
import { probe } from './helpers/probe.mjs'
import { Steps } from './helpers/steps.mjs'

const HELP = `node e2e/everyone.mjs --url URL --email E --password P --class ID --file FILE [--out DIR] [--json]
commands on stdin, one JSON object a line:
  {"do":"keyboard"}                                   log in, join, choose a source, help, privacy, import, theme: no pointer
  {"do":"places","langs":["ru"],"themes":["light"],"widths":[390]}   axe and overlaps of every place
  {"do":"desk","email":"…","password":"…","langs":["ru"],"themes":["light"],"widths":[1280]}   the trainer's desk: by keyboard, axe, overlaps
  {"do":"screens","email":"…","password":"…", the same}   a screen that is to be let in, and the trainer's list of screens
  {"do":"visions"}                                    pictures of the live page in four colour visions and in forced colours
  {"do":"motion"}                                     nothing moves where less motion is asked for
  {"do":"zoom"}                                       text of 200 %
  {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' }, file: { type: 'string' },
    out: { type: 'string', default: 'shots' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class || !options.file) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

const steps = new Steps(options.json)
const browser = await launch()
const { page, errors } = await newPage(browser, { width: 390, height: 844 })
await page.addInitScript(probe)
mkdirSync(options.out, { recursive: true })

/** Tabs until the element has the focus, as a person would; an error where it is never reached. */
async function tabTo(selector, most = 60) {
  for (let times = 0; times < most; times++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${selector} is not reached by Tab`)
}

async function press(selector, key = 'Enter') {
  await page.waitForSelector(selector)
  await tabTo(selector)
  await page.keyboard.press(key)
}

/** A focus that cannot be seen is none. */
const focusShows = () =>
  page.evaluate(() => {
    const style = getComputedStyle(document.activeElement)
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
  })

let summary = ''
const places = () => ['', '/solo', '/history', '/import', '/me', '/chats', `/class/${options.class}`, ...(summary ? [`/history/${summary}`] : []), '/nowhere']

const ready = () => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('[aria-busy="true"]'), null, { timeout: 10_000 }).catch(() => {})

/** The desk's sheets, opened by what opens them: everybody, then the first of them. Gives how many were looked at. */
async function sheets(desk, at, problems) {
  await desk.click('[data-do="list"]')
  for (const sheet of ['roster', 'person']) {
    await desk.waitForSelector(`dialog.${sheet}`)
    problems.push(...(await violations(desk)).map((text) => `${sheet} ${at}: ${text}`))
    problems.push(...(await overlaps(desk)).map((text) => `${sheet} ${at}: ${text}`))
    if (!at.startsWith('pseudo')) await desk.screenshot({ path: join(options.out, `everyone-${sheet}-${at.replaceAll(' ', '-')}.png`) })
    if (sheet === 'roster') await desk.click('dialog.roster li .button >> nth=0')
  }
  await desk.keyboard.press('Escape')
  await desk.waitForSelector('dialog', { state: 'detached' })
  return 2
}

const all = {
  async keyboard() {
    const { url, email, password } = options
    await page.goto(`${url}/login?lang=en`)
    await page.waitForSelector('#email')
    await tabTo('#email')
    await page.keyboard.type(email)
    await tabTo('#password')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.waitForURL((to) => to.pathname === '/app')
    await press(`a.main[href*="${options.class}"]`)
    await page.waitForSelector('.live[data-joined="true"]')
    await press('.chip.sensor')
    await press('dialog .simulated')
    await press('dialog header button')
    await page.waitForSelector('.hero[data-look="live"]', { timeout: 10_000 })
    const seen = [await focusShows()]
    await tabTo('.actions .button')
    seen.push(await focusShows())
    // Help is called by holding a key, and taken back by a press.
    await tabTo('.sos')
    await page.keyboard.down('Enter')
    await page.waitForSelector('.sos[aria-pressed="true"]', { timeout: 5_000 })
    await page.keyboard.up('Enter')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.sos[aria-pressed="false"]', { timeout: 5_000 })
    await page.keyboard.press('Escape')
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await page.waitForSelector('input[name=board]')
    await tabTo('input[name=board]')
    await page.keyboard.press('ArrowDown')
    await page.waitForSelector('[data-status=saved]', { timeout: 5_000 })
    await tabTo('input[name=theme]')
    await page.keyboard.press('ArrowDown')
    const theme = await page.evaluate(() => document.documentElement.dataset.theme)
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await press('a[href="/app/import"]')
    await page.waitForSelector('#files')
    await tabTo('#files')
    seen.push(await page.evaluate(() => getComputedStyle(document.querySelector('.drop label')).outlineStyle !== 'none'))
    // A file chooser is the system's own: the file is given to it directly.
    await page.setInputFiles('#files', options.file)
    await page.waitForSelector('li[data-state=ready]', { timeout: 30_000 })
    await press('button.main.big')
    await page.waitForSelector('li[data-state=done] a', { timeout: 30_000 })
    await press('li[data-state=done] a')
    await page.waitForSelector('[data-figure=points]')
    await press('.figure')
    await page.waitForSelector('.why')
    summary = new URL(page.url()).pathname.split('/').at(-1)
    return { ok: seen.every(Boolean) && theme !== 'auto', theme, focus: seen }
  },

  async places({ langs = ['ru', 'en', 'pseudo'], themes = ['light', 'dark'], widths = [320, 390, 768, 1280, 1920, 3840] }) {
    const problems = []
    let looks = 0
    await page.emulateMedia({ reducedMotion: 'reduce' })
    for (const lang of langs) {
      for (const theme of themes) {
        await page.evaluate(([l, t]) => (localStorage.setItem('fitconnect.lang', l), localStorage.setItem('fitconnect.theme', t)), [lang, theme])
        for (const place of places()) {
          await page.setViewportSize({ width: widths[0], height: 844 })
          await page.goto(`${options.url}/app${place}`)
          await ready()
          if (place.startsWith('/class')) await page.waitForTimeout(1_500)
          const name = place.split('/')[1] || 'today'
          const at = `${place.startsWith('/history/') ? 'summary' : name} ${lang} ${theme}`
          problems.push(...(await violations(page)).map((text) => `${at}: ${text}`))
          for (const width of widths) {
            await page.setViewportSize({ width, height: width < 768 ? 844 : Math.round((width * 9) / 16) })
            await page.waitForTimeout(60)
            problems.push(...(await overlaps(page)).map((text) => `${at} ${width}: ${text}`))
            looks++
          }
          if (lang !== 'pseudo') {
            await page.setViewportSize({ width: 390, height: 844 })
            await page.screenshot({ path: join(options.out, `everyone-${at.replaceAll(' ', '-')}.png`), fullPage: true })
          }
        }
        // The sheet of sources, over the live page.
        await page.setViewportSize({ width: widths[0], height: 844 })
        await page.goto(`${options.url}/app/class/${options.class}`)
        await page.waitForSelector('.chip.sensor')
        await page.click('.chip.sensor')
        problems.push(...(await violations(page)).map((text) => `sources ${lang} ${theme}: ${text}`))
        problems.push(...(await overlaps(page)).map((text) => `sources ${lang} ${theme} ${widths[0]}: ${text}`))
      }
    }
    await page.emulateMedia({ reducedMotion: null })
    return { ok: problems.length === 0, looks, count: problems.length, problems: [...new Set(problems)].slice(0, 40) }
  },

  /** Both sides of the pairing. By keyboard: the list is opened, the digits said, the screen taken out again. */
  async screens({ email, password, langs = ['ru', 'en', 'pseudo'], themes = ['light', 'dark', 'contrast'], widths = [320, 390, 768, 1280, 1920, 3840] }) {
    const tv = (await newPage(browser, { reducedMotion: 'reduce' })).page
    const desk = (await newPage(browser, { width: 1280, height: 800, reducedMotion: 'reduce' })).page
    await logIn(desk, options.url, email, password, 'en')
    const problems = []
    let looks = 0
    for (const lang of langs) {
      for (const theme of themes) {
        for (const [name, shown, address, wanted] of [['pair', tv, '/tv', '.pair[data-code] .plate svg'], ['screens', desk, '/coach', '[data-do="screens"]']]) {
          await shown.goto(`${options.url}${address}?lang=${lang}`)
          await shown.evaluate((to) => localStorage.setItem('fitconnect.theme', to), theme)
          await shown.reload()
          await shown.waitForSelector(wanted, { timeout: 10_000 })
          if (name === 'screens') await shown.click(wanted)
          const at = `${name} ${lang} ${theme}`
          problems.push(...(await violations(shown)).map((text) => `${at}: ${text}`))
          for (const width of widths) {
            await shown.setViewportSize({ width, height: width < 768 ? 844 : Math.round((width * 9) / 16) })
            await shown.waitForTimeout(60)
            problems.push(...(await overlaps(shown)).map((text) => `${at} ${width}: ${text}`))
            looks++
          }
          await shown.setViewportSize({ width: 1280, height: 800 })
          if (lang !== 'pseudo') await shown.screenshot({ path: join(options.out, `everyone-${at.replaceAll(' ', '-')}.png`) })
        }
      }
    }
    await desk.goto(`${options.url}/coach?lang=en`)
    await desk.waitForSelector('[data-do="screens"]')
    await desk.focus('[data-do="screens"]')
    await desk.keyboard.press('Enter')
    await desk.waitForSelector('dialog.screens #pair-code:focus')
    await desk.keyboard.type(await tv.getAttribute('.pair', 'data-code'))
    await desk.keyboard.press('Tab')
    await desk.keyboard.type('Hall 9')
    await desk.keyboard.press('Enter')
    await tv.waitForSelector('.pair', { state: 'detached', timeout: 5_000 })
    const row = 'dialog.screens li:has-text("Hall 9")'
    await desk.focus(`${row} [data-do="unpair"]`)
    await desk.keyboard.press('Enter')
    await desk.waitForSelector(`${row} [data-do="unpair-no"]:focus`)
    await desk.keyboard.press('Shift+Tab')
    await desk.keyboard.press('Enter')
    await tv.waitForSelector('.pair[data-code]', { timeout: 5_000 })
    await desk.keyboard.press('Escape')
    await desk.waitForSelector('dialog', { state: 'detached' })
    await Promise.all([tv.context().close(), desk.context().close()])
    return { ok: problems.length === 0, looks, count: problems.length, problems: [...new Set(problems)].slice(0, 40) }
  },

  /** A window of its own, because another person is logged in there. */
  async desk({ email, password, langs = ['ru', 'en', 'pseudo'], themes = ['light', 'dark', 'contrast'], widths = [320, 390, 768, 1280, 1920, 3840] }) {
    const visitor = await newPage(browser, { width: 1280, height: 800, reducedMotion: 'reduce' })
    const desk = visitor.page
    await desk.addInitScript(probe)
    await logIn(desk, options.url, email, password, 'en')
    const problems = []
    const address = `${options.url}/coach?class=${options.class}`
    await page.goto(`${options.url}/app/class/${options.class}`)
    await page.waitForSelector('.live[data-joined="true"]', { timeout: 10_000 })
    await desk.goto(address)
    // By keyboard alone: paused and taken back, a zone, words for the hall.
    await desk.waitForSelector('.drive [data-do="pause"]')
    await desk.keyboard.press('Space')
    await desk.waitForSelector('.countdown[data-action="pause"]')
    await desk.keyboard.press('u')
    await desk.waitForSelector('.countdown', { state: 'detached' })
    await desk.keyboard.press('3')
    await desk.waitForSelector('.zone[data-zone="3"][aria-pressed="true"]')
    await desk.keyboard.press('3')
    await desk.keyboard.press('b')
    await desk.keyboard.type('Drink')
    await desk.keyboard.press('Enter')
    await page.waitForSelector('.said:has-text("Drink")', { timeout: 5_000 })
    let looks = 0
    for (const lang of langs) {
      for (const theme of themes) {
        await desk.evaluate(([l, t]) => (localStorage.setItem('fitconnect.lang', l), localStorage.setItem('fitconnect.theme', t)), [lang, theme])
        for (const [name, to] of [['picker', `${options.url}/coach`], ['desk', address], ['film', address]]) {
          await desk.setViewportSize({ width: 1280, height: 800 })
          await desk.goto(to)
          await desk.waitForSelector(name === 'picker' ? 'li .button' : '.tile')
          if (name === 'film') {
            await desk.keyboard.press('ArrowLeft')
            await desk.waitForSelector('.film[data-state="playing"]')
            await desk.click('[data-do="film-play"]')
            await desk.waitForSelector('.film[data-state="paused"]')
            // Two seconds back there is somebody; half a minute ago there may have been nobody yet.
            await desk.$eval('.film .scale input', (scale) => {
              scale.value = String(scale.max - 2_000)
              scale.dispatchEvent(new Event('input', { bubbles: true }))
            })
            await desk.waitForSelector('.film[data-state="paused"]')
            await desk.waitForSelector('.people .tile')
          }
          problems.push(...(await violations(desk)).map((text) => `${name} ${lang} ${theme}: ${text}`))
          for (const width of widths) {
            await desk.setViewportSize({ width, height: width <= 900 ? 844 : Math.round((width * 10) / 16) })
            for (const tab of name !== 'picker' && width <= 900 ? [0, 1, 2] : [undefined]) {
              if (tab !== undefined) await desk.click(`.tabs .button >> nth=${tab}`)
              await desk.waitForTimeout(120)
              problems.push(...(await overlaps(desk)).map((text) => `${name} ${lang} ${theme} ${width}${tab === undefined ? '' : ` part ${tab}`}: ${text}`))
              if (lang !== 'pseudo') await desk.screenshot({ path: join(options.out, `everyone-${name}-${lang}-${theme}-${width}${tab === undefined ? '' : `-${tab}`}.png`) })
              looks++
            }
            if (name === 'desk' && (width === widths[0] || width === 1280)) looks += await sheets(desk, `${lang} ${theme} ${width}`, problems)
          }
        }
      }
    }
    problems.push(...visitor.errors)
    await desk.context().close()
    return { ok: problems.length === 0, looks, problems: [...new Set(problems)].slice(0, 40) }
  },

  async visions() {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(`${options.url}/app/class/${options.class}`)
    await page.waitForSelector('.hero')
    const cdp = await page.context().newCDPSession(page)
    const files = []
    for (const type of ['deuteranopia', 'protanopia', 'tritanopia', 'achromatopsia']) {
      await cdp.send('Emulation.setEmulatedVisionDeficiency', { type })
      files.push(join(options.out, `everyone-live-${type}.png`))
      await page.screenshot({ path: files.at(-1) })
    }
    await cdp.send('Emulation.setEmulatedVisionDeficiency', { type: 'none' })
    await page.emulateMedia({ forcedColors: 'active' })
    files.push(join(options.out, 'everyone-live-forced.png'))
    await page.screenshot({ path: files.at(-1) })
    const problems = await overlaps(page)
    const bordered = await page.$eval('.hero', (hero) => parseFloat(getComputedStyle(hero).borderTopWidth) >= 1.5)
    await page.emulateMedia({ forcedColors: 'none' })
    return { ok: problems.length === 0 && bordered, files, problems }
  },

  async motion() {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('*')].filter((each) => {
        const { animationName, transitionDuration } = getComputedStyle(each)
        return animationName !== 'none' || transitionDuration.split(',').some((time) => parseFloat(time) > 0)
      }).length,
    )
    await page.emulateMedia({ reducedMotion: null })
    return { ok: moving === 0, moving }
  },

  async zoom() {
    const problems = []
    await page.setViewportSize({ width: 390, height: 844 })
    for (const place of places()) {
      await page.goto(`${options.url}/app${place}`)
      await ready()
      await page.evaluate(() => (document.documentElement.style.fontSize = '200%'))
      await page.waitForTimeout(100)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (wide > 1) problems.push(`${place || '/'}: ${wide} px wider than its window`)
    }
    return { ok: problems.length === 0, problems }
  },

  errors: async () => ({ ok: errors.length === 0, errors }),
}

try {
  await steps.listen(all)
} catch (error) {
  steps.say({ step: 'fault', ok: false, error: String(error), errors })
} finally {
  await browser.close()
}
process.exit(steps.failed ? 1 : 0)
