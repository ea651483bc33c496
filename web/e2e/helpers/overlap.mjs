// What axe does not see: texts that lie over each other, and texts that do not fit their box.

const OVERLAP_PX = [2, 6]

/** Each problem as a sentence; none is good. Run it without motion: tiles on their way cross each other. */
export function overlaps(page) {
  return page.evaluate(([width, height]) => {
    const problems = []
    const visible = (element) => {
      if (element.closest('.sr-only, noscript, [hidden]')) return false
      return element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    }
    const name = (element) => `${element.tagName.toLowerCase()}${element.className && typeof element.className === 'string' ? `.${element.className.split(' ')[0]}` : ''}`

    // What is scrolled out of its box is not seen, though it has a place.
    const windowOf = (element) => {
      for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) if (/auto|scroll/.test(getComputedStyle(up).overflowY)) return up.getBoundingClientRect()
    }

    const texts = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
      const node = walker.currentNode
      const element = node.parentElement
      if (!node.data.trim() || !element || /^(SCRIPT|STYLE)$/.test(element.tagName) || !visible(element)) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      const overlay = element.closest('[data-overlay]')
      const window = windowOf(element)
      for (const rect of range.getClientRects()) if (rect.width > 0 && rect.height > 0 && (!window || (rect.top >= window.top - 1 && rect.bottom <= window.bottom + 1))) texts.push({ rect: tight(rect, element), element, overlay, text: node.data.trim() })
    }
    // A line's box is taller than its letters; what touches are letters.
    function tight(rect, element) {
      const size = parseFloat(getComputedStyle(element).fontSize)
      const spare = Math.max(0, (rect.height - size * 0.74) / 2)
      return { left: rect.left, right: rect.right, top: rect.top + spare, bottom: rect.bottom - spare }
    }
    // What opens over the page for a moment (controls, a cue) may cover it; within itself it is judged like the rest.
    compare(texts, (a, b) => a.element.contains(b.element) || b.element.contains(a.element) || a.overlay !== b.overlay)

    const canvas = document.querySelector('canvas.numbers')
    if (canvas && visible(canvas)) {
      const painted = window.probe.painted().map(({ text, x, y, width: w, height: h }) => ({ text, element: canvas, rect: { left: x, right: x + w, top: y, bottom: y + h } }))
      compare(painted, () => false)
      const tile = Object.fromEntries(Object.entries(canvas.dataset).map(([key, value]) => [key, Number(value)]))
      for (const { text, rect } of painted) {
        const end = ((rect.left + 0.5) % (tile.width + tile.gap)) + (rect.right - rect.left)
        if (end > tile.width + 1) problems.push(`“${text}” is painted beyond its tile`)
      }
    }

    for (const element of document.body.querySelectorAll('*')) {
      if (!visible(element) || element instanceof SVGElement || /^(HTML|BODY|INPUT)$/.test(element.tagName)) continue
      const style = getComputedStyle(element)
      if (/auto|scroll/.test(style.overflowX) || style.display === 'inline') continue
      // The beginning of somebody's words, which may be long: meant to be cut, with the whole a tap away.
      if (element.dataset.cut !== undefined && style.textOverflow === 'ellipsis') continue
      if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) problems.push(`${name(element)} is ${element.scrollWidth - element.clientWidth} px too narrow for “${element.textContent.trim().slice(0, 40)}”`)
    }
    if (document.documentElement.scrollWidth > innerWidth + 1) problems.push(`the page is ${document.documentElement.scrollWidth - innerWidth} px wider than its window`)
    return problems

    function compare(list, nested) {
      list.sort((a, b) => a.rect.top - b.rect.top)
      list.forEach((a, index) => {
        for (let next = index + 1; next < list.length; next++) {
          const b = list[next]
          if (b.rect.top >= a.rect.bottom) break
          const x = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left)
          const y = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top)
          const over = (x > width && y > height) || (x > height && y > width)
          if (over && !nested(a, b)) problems.push(`“${a.text.slice(0, 30)}” and “${b.text.slice(0, 30)}” overlap by ${Math.round(x)} × ${Math.round(y)} px`)
        }
      })
    }
  }, OVERLAP_PX)
}
