// A screen on a wall: kept awake, its cursor hidden, its header moved a little now and then so that nothing burns in.

/** A page that has stood for so long is loaded anew at this hour, where no class runs on it. */
const RELOAD_AFTER_MS = 12 * 3_600_000
const RELOAD_HOUR = 4
const RELOAD_LOOK_MS = 5 * 60_000
const SHIFT_EVERY_MS = 10 * 60_000
const CURSOR_MS = 3_000

export function keepScreenOn(): () => void {
  let lock: WakeLockSentinel | undefined
  let ended = false
  const wake = async () => {
    if (document.visibilityState !== 'visible') return
    const got = await navigator.wakeLock?.request('screen').catch(() => undefined)
    if (ended) void got?.release()
    else lock = got
  }
  void wake()
  document.addEventListener('visibilitychange', wake)

  const root = document.documentElement
  let idle: ReturnType<typeof setTimeout> | undefined
  const moved = () => {
    root.classList.remove('idle')
    clearTimeout(idle)
    idle = setTimeout(() => root.classList.add('idle'), CURSOR_MS)
  }
  moved()
  addEventListener('pointermove', moved)
  addEventListener('keydown', moved)

  let shifted = 0
  const shift = setInterval(() => {
    shifted = (shifted + 1) % 4
    root.style.setProperty('--shift-x', `${[0, 2, 2, 0][shifted]}px`)
    root.style.setProperty('--shift-y', `${[0, 0, 2, 2][shifted]}px`)
  }, SHIFT_EVERY_MS)

  return () => {
    ended = true
    void lock?.release()
    clearTimeout(idle)
    clearInterval(shift)
    document.removeEventListener('visibilitychange', wake)
    removeEventListener('pointermove', moved)
    removeEventListener('keydown', moved)
    root.classList.remove('idle')
  }
}

/** A screen runs for weeks: each night, while nothing runs, it begins anew. `busy`: whether a class runs on it now. */
export function reloadAtNight(busy: () => boolean): () => void {
  const timer = setInterval(() => {
    if (performance.now() > RELOAD_AFTER_MS && new Date().getHours() === RELOAD_HOUR && !busy()) location.reload()
  }, RELOAD_LOOK_MS)
  return () => clearInterval(timer)
}
