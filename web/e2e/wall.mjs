// The hall screen in a real browser, step by step. After opening it reads one JSON command a line from stdin (`{"do":"lost","slot":3}`)
// and answers each with one line on stdout: `{"step":"lost","ok":true,…}`. In between it says when the shown segment changes:
// `{"step":"plan","index":2,"server_ms":…,"painted_ms":…}`. Without commands (`--alone`) it runs what needs no helper, and ends.
// The exit status is 0 where every step was ok.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { violations } from './helpers/axe.mjs'
import { launch, logIn, newPage, wallAddress } from './helpers/browser.mjs'
import { overlaps } from './helpers/overlap.mjs'
import { pixelsChanged, probe, readTile } from './helpers/probe.mjs'

const HELP = `node e2e/wall.mjs --url URL --email E --password P --class ID [--out DIR] [--lang ru] [--json] [--alone]
commands on stdin, one JSON object a line:
  {"do":"moving","at_least":20,"within_ms":2000}       tiles that change
  {"do":"lost","slot":3,"within_ms":20000}             the tile says that it is lost, and for how long
  {"do":"live","slot":3,"within_ms":10000}             the tile shows a heart rate
  {"do":"alias","slot":3,"not":"Ana","within_ms":1000} the tile shows another name and no heart rate
  {"do":"gone","slot":3,"within_ms":1000}              there is no tile
  {"do":"tile","slot":3}                               what the tile says
  {"do":"link","state":"live","within_ms":5000}        the connection's state
  {"do":"shots","name":"40","langs":["ru","en"]}       pictures at 1920 × 1080
  {"do":"axe"} {"do":"overlap","langs":[…],"widths":[…]} {"do":"modes", the same}
  {"do":"cost","seconds":10}                           main thread per tick, long tasks, heap
  {"do":"errors"} {"do":"quit"}`

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' }, email: { type: 'string' }, password: { type: 'string' }, class: { type: 'string' },
    out: { type: 'string', default: 'shots' }, lang: { type: 'string', default: 'ru' },
    json: { type: 'boolean', default: false }, alone: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})
if (options.help || !options.url || !options.email || !options.password || !options.class) {
  console.log(HELP)
  process.exit(options.help ? 0 : 2)
}

let failed = false
function say(line) {
  if (line.ok === false) failed = true
  if (options.json) return console.log(JSON.stringify(line))
  const { step, ok, ...rest } = line
  console.log(`${ok === false ? 'FAIL' : ok ? 'ok  ' : '    '} ${step} ${JSON.stringify(rest)}`)
}

const { url } = options
const classId = options.class
let lang = options.lang
const browser = await launch()
const { page, errors } = await newPage(browser)
await page.exposeFunction('planChanged', (change) => say({ step: 'plan', ...change }))
await page.addInitScript(probe)

/** Waits until `read` gives something that `good` likes; what it gave, and after how long. */
async function until(read, good, withinMs) {
  const from = performance.now()
  for (;;) {
    const value = await read()
    const ms = Math.round(performance.now() - from)
    if (good(value)) return { ok: true, ms, ...(value && { tile: value }) }
    if (ms > withinMs) return { ok: false, ms, ...(value && { tile: value }) }
    await page.waitForTimeout(25)
  }
}

async function open(nextLang) {
  lang = nextLang
  await page.goto(wallAddress(url, classId, lang))
  await page.waitForSelector('.tile, canvas.numbers', { timeout: 10_000 })
}

async function moving({ at_least = 1, within_ms = 2_000 }) {
  if (await page.$('canvas.numbers')) {
    const { tiles, changed } = await pixelsChanged(page, within_ms)
    return { ok: changed >= Math.min(at_least, tiles), tiles, changed }
  }
  // Counted from the opening of the page, or from now where that is long ago.
  const opened = await page.evaluate(() => performance.now())
  if (opened > within_ms) await page.evaluate(() => window.probe.forget())
  const from = opened > within_ms ? opened : 0
  for (;;) {
    const { moved, tiles, now } = await page.evaluate(() => ({ moved: window.probe.moved(), tiles: window.probe.tiles(), now: performance.now() }))
    const changed = moved.filter((at) => at - from <= within_ms).sort((a, b) => a - b)
    const enough = changed.length >= Math.min(at_least, tiles) && tiles > 0
    if (enough || now - from > within_ms) return { ok: enough, tiles, changed: changed.length, ms: Math.round((changed[Math.min(at_least, tiles) - 1] ?? now) - from) }
    await page.waitForTimeout(25)
  }
}

const lostText = /нет датчика|нет сети|вне зала|sensor lost|no network|left/i

// A wall shortens "Ana Petrova" to "Ana P.". A number from 40 on can only be a heart rate: nobody has as many points in a proof.
const isNamed = (tile, name) => tile.name.startsWith(name.split(' ')[0])

const steps = {
  moving,
  lost: ({ slot, within_ms = 20_000 }) =>
    until(() => readTile(page, slot), (tile) => tile && (tile.texts ? tile.age !== '' && !tile.percent && tile.texts.some((text) => lostText.test(text)) : tile.look === 'lost' && /^(> )?\d+:\d\d$/.test(tile.age) && tile.note !== '' && tile.bpm === ''), within_ms),
  live: ({ slot, within_ms = 10_000 }) =>
    until(() => readTile(page, slot), (tile) => tile && (tile.texts ? tile.percent && tile.age === '' : tile.look === 'zone' || tile.look === 'plain'), within_ms),
  alias: ({ slot, not, within_ms = 1_000 }) =>
    until(() => readTile(page, slot), (tile) => tile && (tile.texts ? tile.name !== '' && !isNamed(tile, not) && !tile.percent && !tile.texts.some((text) => Number(text) >= 40) : tile.name !== '' && !isNamed(tile, not) && tile.look !== 'zone' && tile.bpm === '' && tile.zone === -1 && tile.unit !== 'percent' && tile.unit !== 'bpm'), within_ms),
  gone: ({ slot, within_ms = 1_000 }) => until(() => readTile(page, slot), (tile) => !tile, within_ms),
  tile: async ({ slot }) => ({ ok: true, tile: await readTile(page, slot) }),
  link: ({ state, within_ms = 5_000 }) => until(() => page.getAttribute('.link', 'data-state').then((now) => ({ state: now })), (now) => now.state === state, within_ms),

  async shots({ name = 'wall', langs = ['ru', 'en'] }) {
    mkdirSync(options.out, { recursive: true })
    const files = []
    for (const each of langs) {
      await open(each)
      // Until the controls have gone and the digits have come.
      await page.waitForTimeout(3_500)
      const path = join(options.out, `${name}-${each}.png`)
      await page.screenshot({ path })
      files.push(path)
    }
    return { ok: true, files }
  },

  async axe({ langs = ['ru', 'en'] }) {
    const problems = []
    for (const each of langs) {
      await open(each)
      await page.waitForTimeout(1_000)
      problems.push(...(await violations(page)).map((text) => `tv ${each}: ${text}`))
      const visitor = await newPage(browser)
      await visitor.page.goto(`${url}/login?lang=${each}`)
      await visitor.page.waitForSelector('#email')
      problems.push(...(await violations(visitor.page)).map((text) => `login ${each}: ${text}`))
      await visitor.page.context().close()
    }
    return { ok: problems.length === 0, problems }
  },

  async overlap({ langs = ['ru', 'en', 'pseudo'], widths = [320, 390, 768, 1280, 1920, 3840] }) {
    const problems = []
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const visitor = await newPage(browser)
    await visitor.page.addInitScript(probe)
    for (const each of langs) {
      await open(each)
      await visitor.page.goto(`${url}/login?lang=${each}`)
      await visitor.page.waitForSelector('#email')
      for (const width of widths) {
        const size = { width, height: width < 768 ? 800 : Math.round((width * 9) / 16) }
        await page.setViewportSize(size)
        await page.mouse.move(5, 5)
        await page.waitForTimeout(700)
        problems.push(...(await overlaps(page)).map((text) => `tv ${each} ${width}: ${text}`))
        await visitor.page.setViewportSize(size)
        problems.push(...(await overlaps(visitor.page)).map((text) => `login ${each} ${width}: ${text}`))
      }
    }
    await visitor.page.context().close()
    await page.setViewportSize({ width: 1920, height: 1080 })
    await page.emulateMedia({ reducedMotion: null })
    return { ok: problems.length === 0, count: problems.length, problems: problems.slice(0, 40) }
  },

  async modes({ langs = ['ru', 'en', 'pseudo'], widths = [320, 390, 768, 1280, 1920, 3840] }) {
    const problems = []
    await page.emulateMedia({ reducedMotion: 'reduce' })
    for (const each of langs) {
      await open(each)
      for (const mode of ['board', 'match', 'timer', 'welcome']) {
        await page.keyboard.press('m')
        await page.waitForSelector(`.stage[data-mode="${mode}"]`)
        await page.waitForTimeout(1_200)
        problems.push(...(await violations(page)).map((text) => `${mode} ${each}: ${text}`))
        for (const width of widths) {
          await page.setViewportSize({ width, height: width < 768 ? 800 : Math.round((width * 9) / 16) })
          await page.waitForTimeout(200)
          problems.push(...(await overlaps(page)).map((text) => `${mode} ${each} ${width}: ${text}`))
        }
        await page.setViewportSize({ width: 1920, height: 1080 })
        mkdirSync(options.out, { recursive: true })
        if (each !== 'pseudo') await page.screenshot({ path: join(options.out, `tv-${mode}-${each}.png`) })
      }
      await page.keyboard.press('m')
      await page.waitForSelector('.tile, canvas.numbers')
    }
    await page.emulateMedia({ reducedMotion: null })
    return { ok: problems.length === 0, problems: [...new Set(problems)].slice(0, 40) }
  },

  async cost({ seconds = 10 }) {
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('Performance.enable')
    await page.evaluate(() => {
      window.longTasks = []
      new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' })
    })
    let [frames, bytes] = [0, 0]
    await cdp.send('Network.enable')
    cdp.on('Network.webSocketFrameReceived', ({ response }) => {
      frames++
      bytes += Buffer.from(response.payloadData, 'base64').length
    })
    const metrics = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]))
    // Frames count only once the socket is seen by this session, which is from its next dial on.
    const before = await metrics()
    await page.waitForTimeout(seconds * 1_000)
    const after = await metrics()
    const longTasks = await page.evaluate(() => window.longTasks)
    await cdp.detach()
    const perS = (name) => Math.round(((after[name] - before[name]) / seconds) * 1e5) / 100
    return { ok: true, task_ms_per_s: perS('TaskDuration'), script_ms_per_s: perS('ScriptDuration'), layout_ms_per_s: perS('LayoutDuration'), long_tasks: longTasks.length, heap_mb: Math.round(after.JSHeapUsedSize / 1e5) / 10, nodes: after.Nodes, frames, bytes }
  },

  errors: async () => ({ ok: errors.length === 0, errors }),
}

async function run(command) {
  const step = steps[command.do]
  if (!step) return say({ step: String(command.do), ok: false, error: `no such step; there are ${Object.keys(steps).join(', ')}, quit` })
  try {
    say({ step: command.do, ...(await step(command)) })
  } catch (error) {
    say({ step: command.do, ok: false, error: String(error) })
  }
}

async function begin() {
  await logIn(page, url, options.email, options.password, lang)
  say({ step: 'login', ok: true })
  await open(lang)
  say({ step: 'open', ok: true, ...(await page.evaluate(() => ({ ms: Math.round(performance.now()) }))) })
}

try {
  await begin()
  if (options.alone) {
    for (const command of [{ do: 'moving', at_least: 10, within_ms: 4_000 }, { do: 'shots' }, { do: 'axe' }, { do: 'overlap' }, { do: 'cost' }, { do: 'errors' }]) await run(command)
  } else {
    for await (const line of createInterface({ input: process.stdin })) {
      if (!line.trim()) continue
      let command
      try {
        command = JSON.parse(line)
      } catch {
        say({ step: 'command', ok: false, error: `not JSON: ${line.slice(0, 80)}` })
        continue
      }
      if (command.do === 'quit') break
      await run(command)
    }
  }
} catch (error) {
  say({ step: 'fault', ok: false, error: String(error), errors })
} finally {
  await browser.close()
}
process.exit(failed ? 1 : 0)
