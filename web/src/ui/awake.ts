// The screen stays on while something is to be seen. The browser lets go of the lock when the page is hidden: it is asked again.

export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined
  let ended = false
  const wake = async () => {
    if (document.visibilityState !== 'visible' || ended) return
    const got = await navigator.wakeLock?.request('screen').catch(() => undefined)
    if (ended) void got?.release()
    else lock = got
  }
  void wake()
  document.addEventListener('visibilitychange', wake)
  return () => {
    ended = true
    void lock?.release()
    document.removeEventListener('visibilitychange', wake)
  }
}
