// When to dial again, each wait shifted at random by up to a quarter, so that a herd does not come back as one.
// Short waits for half a minute, in which a restart is likely, so that a page is back soon after its server; then ever more rarely.

const STEPS_MS = [500, 1_000, ...Array<number>(25).fill(1_200), 4_000, 8_000, 15_000]
/** Closed as too fast: the server wants a minute of quiet. */
const TOO_FAST_MS = 60_000

export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const step = STEPS_MS[Math.min(attempt, STEPS_MS.length - 1)]!
  return Math.round(step * (0.75 + random() / 2))
}

/** Closed for its token: whoever was put out shall see nothing any more, and a fresh token need not wait. */
const UNAUTHORISED_MS = 100

/** The wait after a close: as the server said in `GoAway`, a minute where we were too fast, else by the attempt. */
export function waitMs(code: number, attempt: number, goAwayMs: number | undefined, random: () => number = Math.random): number {
  if (goAwayMs !== undefined) return goAwayMs
  if (code === 4029) return TOO_FAST_MS + Math.round(random() * 5_000)
  if (code === 4501 && attempt === 0) return UNAUTHORISED_MS
  return backoffMs(attempt, random)
}
