// What a page of a class shows of the plan, and when it changed: on the server's clock, at the frame that painted it. It only looks.
// The same for the desk, the hall's screen and the phone; `window.shown` is read by the steps.

export function shown() {
  const PARTS = [
    { root: '.desk', run: '.rail .now', clock: '.rail .time', of: '.rail .now .eyebrow' },
    { root: '.screen', run: '.plan .now', clock: '.top .time', of: '.plan .now' },
    { root: '.live', run: '.segment', clock: '.segment .clock', of: '.segment .now' },
  ]
  /** A clock that is so many seconds from where it would be has been moved, not left to run. */
  const JUMP_S = 6
  const KEPT_MAX = 400

  const changes = []
  let last
  const offset = () => Number(document.querySelector('.link')?.dataset.offsetMs ?? 0)
  const serverNow = () => performance.timeOrigin + performance.now() + offset()
  const text = (selector) => document.querySelector(selector)?.textContent ?? ''
  const seconds = (words) => (/^[\d:]+$/.test(words) ? words.split(':').reduce((sum, each) => sum * 60 + Number(each), 0) : undefined)

  function read() {
    const part = PARTS.find(({ root }) => document.querySelector(root))
    if (!part) return undefined
    const countdown = document.querySelector('.countdown')
    return {
      at: serverNow(),
      phase: document.querySelector(part.root).dataset.phase,
      run: document.querySelector(part.run)?.dataset.run ?? '',
      count: /(\d+)\D+(\d+)\s*$/.exec(text(part.of).trim())?.[2] ?? '',
      clock: seconds(text(part.clock).trim()),
      coming: countdown?.dataset.action ?? '',
      digit: countdown?.dataset.digit ?? '',
    }
  }

  function look() {
    const now = read()
    if (!now) return
    const what = []
    if (last) {
      for (const key of ['phase', 'run', 'count', 'coming', 'digit']) if (now[key] !== last[key]) what.push(key)
      const runs = now.phase === 'live' && last.phase === 'live' && now.run === last.run
      const known = now.clock !== undefined && last.clock !== undefined
      if (runs && (now.clock === undefined) !== (last.clock === undefined)) what.push('held')
      if (runs && known && Math.abs(last.clock - (now.at - last.at) / 1_000 - now.clock) > JUMP_S) what.push('clock')
    }
    last = now
    if (!what.length) return
    requestAnimationFrame(() => {
      changes.push({ what, painted: serverNow(), ...now })
      if (changes.length > KEPT_MAX) changes.shift()
    })
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['data-phase', 'data-run', 'data-digit', 'data-action'] })

  window.shown = {
    now: () => read(),
    /** Changes of one of these kinds after a moment of the server's clock. */
    since: (from, kinds) => changes.filter(({ painted, what }) => painted >= from && what.some((each) => kinds.includes(each))),
    serverNow,
  }
}
