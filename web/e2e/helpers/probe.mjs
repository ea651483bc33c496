// What a page is watched with: put in before its own scripts. It only looks; `window.probe` is read by the steps.

export function probe() {
  /** Milliseconds of the page's life at which each tile was drawn first, and at which it changed after that. */
  const born = new Map()
  const moved = new Map()
  const now = () => performance.now()

  const tileOf = (node) => (node instanceof Element ? node : node.parentElement)?.closest?.('.tile')
  new MutationObserver((records) => {
    for (const record of records) {
      for (const node of record.addedNodes) if (node instanceof Element && node.matches('.tile')) born.set(node.dataset.slot, now())
      if (record.type === 'childList') continue
      const slot = tileOf(record.target)?.dataset.slot
      // The frame that draws a tile for the first time is no movement.
      if (slot !== undefined && now() - (born.get(slot) ?? Infinity) > 100 && !moved.has(slot)) moved.set(slot, now())
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['data-look', 'data-zone'] })

  // The segment that the header shows: said each time it changes, on the server's clock.
  let shown
  const look = () => {
    const line = document.querySelector('.plan .now')
    const run = line?.dataset.run
    if (run === undefined || run === shown) return
    const first = shown === undefined
    shown = run
    if (first && run === '') return // Nothing is known yet.
    const offset = Number(document.querySelector('.link')?.dataset.offsetMs ?? 0)
    const server = () => performance.timeOrigin + performance.now() + offset
    const changed = server()
    requestAnimationFrame(() => window.planChanged?.({ index: run === '' ? null : Number(run), server_ms: changed, painted_ms: server() }))
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-run'] })

  // Texts that are painted on a canvas: where they stand, until they are wiped.
  const texts = new Map()
  const { fillText, clearRect } = CanvasRenderingContext2D.prototype
  const of = (canvas) => texts.get(canvas) ?? texts.set(canvas, []).get(canvas)
  CanvasRenderingContext2D.prototype.clearRect = function (x, y, width, height) {
    const inside = (text) => text.x >= x - 1 && text.y >= y - 1 && text.x < x + width && text.y < y + height
    texts.set(this.canvas, of(this.canvas).filter((text) => !inside(text)))
    return clearRect.call(this, x, y, width, height)
  }
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const { width, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = this.measureText(text)
    const left = this.textAlign === 'right' ? x - width : this.textAlign === 'center' ? x - width / 2 : x
    // Inside an icon the context is moved; texts are drawn on the plain one.
    of(this.canvas).push({ text, x: left, y: y - up, width, height: up + down })
    return fillText.call(this, text, x, y)
  }
  for (const side of ['width', 'height']) {
    const property = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, side)
    Object.defineProperty(HTMLCanvasElement.prototype, side, {
      ...property,
      set(value) {
        texts.delete(this)
        property.set.call(this, value)
      },
    })
  }

  window.probe = {
    moved: () => [...moved.values()],
    tiles: () => document.querySelectorAll('.tile').length,
    /** Texts of all canvases in the page. */
    painted: () => [...texts].filter(([canvas]) => canvas.isConnected).flatMap(([, list]) => list),
    forget: () => moved.clear(),
  }
}

/** How many tiles of the painted wall have other pixels than a moment ago. */
export function pixelsChanged(page, waitMs) {
  return page.evaluate(async (wait) => {
    const canvas = document.querySelector('canvas.numbers')
    const { cols, width, height, gap, tiles } = Object.fromEntries(Object.entries(canvas.dataset).map(([key, value]) => [key, Number(value)]))
    const scale = canvas.width / (cols * (width + gap) - gap)
    const read = () => {
      const context = canvas.getContext('2d', { willReadFrequently: true })
      return Array.from({ length: tiles }, (_, index) => {
        const [x, y] = [(index % cols) * (width + gap), Math.floor(index / cols) * (height + gap)]
        return context.getImageData(x * scale, y * scale, width * scale, height * scale).data
      })
    }
    const before = read()
    await new Promise((resolve) => setTimeout(resolve, wait))
    const after = read()
    return { tiles, changed: before.filter((data, index) => data.some((value, at) => value !== after[index][at])).length }
  }, waitMs)
}

/** What a tile says, by its slot. On the painted wall: the texts that stand in its place now, on whichever page it is; none if on no page. */
export async function readTile(page, slot) {
  if (await page.$('canvas.numbers')) return readPainted(page, slot)
  return page.evaluate((wanted) => {
    const tile = document.querySelector(`.tile[data-slot="${wanted}"]`)
    if (!tile) return null
    const said = (part) => {
      const element = tile.querySelector(`.${part}`)
      return element && !element.hidden ? element.textContent : ''
    }
    return {
      look: tile.dataset.look,
      zone: Number(tile.dataset.zone),
      name: said('name'),
      hero: said('value'),
      bpm: said('bpm'),
      kcal: said('kcal'),
      points: said('points'),
      note: said('note'),
      age: said('lost') || said('age'),
      unit: tile.dataset.unit,
    }
  }, slot)
}

async function readPainted(page, slot) {
  const seen = new Set()
  for (;;) {
    const { slots, texts } = await page.evaluate((wanted) => {
      const { dataset } = document.querySelector('canvas.numbers')
      const slots = dataset.slots
      const index = slots.split(' ').indexOf(String(wanted))
      if (index < 0) return { slots }
      const [cols, width, height, gap] = ['cols', 'width', 'height', 'gap'].map((key) => Number(dataset[key]))
      const [x, y] = [(index % cols) * (width + gap), Math.floor(index / cols) * (height + gap)]
      const inside = (text) => text.x >= x - 1 && text.y >= y - 1 && text.x < x + width && text.y < y + height
      return { slots, texts: window.probe.painted().filter(inside).map(({ text }) => text) }
    }, slot)
    if (texts) {
      const age = texts.find((text) => /^(> )?\d+:\d\d$/.test(text)) ?? ''
      return { texts, age, percent: texts.includes('%'), name: texts.find((text) => /\p{L}|№/u.test(text)) ?? '' }
    }
    if (seen.has(slots)) return null
    seen.add(slots)
    await page.keyboard.press('PageDown')
    await page.waitForFunction((before) => document.querySelector('canvas.numbers')?.dataset.slots !== before, slots, { timeout: 500 }).catch(() => {})
    // The new page's tiles are painted in the frame after its places were given out.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  }
}
