// What a page costs its reader, measured in it: put in before its own scripts. `window.vitals` is read by the steps.

export function vitals() {
  const all = (window.vitals = {
    /** Largest paint, ms after the navigation; how much moved under one's eyes. */
    lcp: 0,
    cls: 0,
    /** The slowest tap, from the finger to the next paint, ms; how many taps. */
    inp: 0,
    taps: 0,
    /** When there was something to use, ms after the navigation. */
    usable: 0,
    /** [ms, bytes] of each frame of a socket, as long as its handler ran. */
    handled: [],
    /** Tasks over 50 ms, and the longest. */
    long: 0,
    longest: 0,
    forget() {
      Object.assign(all, { inp: 0, taps: 0, handled: [], long: 0, longest: 0 })
    },
  })
  const observe = (type, each, more = {}) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true, ...more })
  observe('largest-contentful-paint', ({ startTime }) => (all.lcp = startTime))
  observe('layout-shift', ({ hadRecentInput, value }) => hadRecentInput || (all.cls += value))
  observe(
    'event',
    ({ interactionId, duration }) => {
      if (!interactionId) return
      all.taps++
      all.inp = Math.max(all.inp, duration)
    },
    { durationThreshold: 16 },
  )
  observe('longtask', ({ duration }) => {
    all.long++
    all.longest = Math.max(all.longest, duration)
  })
  new MutationObserver((_, observer) => {
    if (!document.querySelector('main h1')) return
    all.usable = performance.now()
    observer.disconnect()
  }).observe(document, { subtree: true, childList: true })

  const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage')
  Object.defineProperty(WebSocket.prototype, 'onmessage', {
    set(handler) {
      set.call(
        this,
        handler &&
          ((message) => {
            const began = performance.now()
            handler.call(this, message)
            all.handled.push([performance.now() - began, message.data.byteLength ?? 0])
            if (all.handled.length > 20_000) all.handled.shift()
          }),
      )
    },
  })
}
