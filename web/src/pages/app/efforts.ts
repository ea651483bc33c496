// Best efforts: the highest mean over so many seconds in a row. A sample holds until the next one, at most five seconds; a stretch with
// a longer hole in it does not count.

export interface Point {
  /** Milliseconds. */
  at: number
  value: number
}

const HOLD_MS = 5_000

export function bestMean(points: readonly Point[], seconds: number): number | undefined {
  const length = seconds * 1_000
  let best: number | undefined
  let [sum, from] = [0, 0]
  const hold = (at: number) => Math.min((points[at + 1]?.at ?? points[at]!.at + 1_000) - points[at]!.at, HOLD_MS)
  let held = 0
  for (let to = 0; to < points.length; to++) {
    if (to > 0 && points[to]!.at - points[to - 1]!.at > HOLD_MS) [sum, held, from] = [0, 0, to]
    sum += points[to]!.value * hold(to)
    held += hold(to)
    while (held - hold(from) >= length) {
      sum -= points[from]!.value * hold(from)
      held -= hold(from)
      from++
    }
    if (held >= length) best = Math.max(best ?? 0, sum / held)
  }
  return best
}

/** One value a minute, none where nothing was measured: the chart as a table. */
export function byMinute(points: readonly Point[], fromMs: number, toMs: number): (number | undefined)[] {
  const minutes = Array.from({ length: Math.max(1, Math.ceil((toMs - fromMs) / 60_000)) }, () => ({ sum: 0, count: 0 }))
  for (const { at, value } of points) {
    const minute = minutes[Math.floor((at - fromMs) / 60_000)]
    if (!minute) continue
    minute.sum += value
    minute.count++
  }
  return minutes.map(({ sum, count }) => (count ? sum / count : undefined))
}

/** At most `max` points that keep each stretch's lowest and highest. */
export function thinned(points: readonly Point[], max: number): Point[] {
  if (points.length <= max) return [...points]
  const each = Math.ceil((points.length * 2) / max)
  const kept: Point[] = []
  for (let from = 0; from < points.length; from += each) {
    const part = points.slice(from, from + each)
    const low = part.reduce((a, b) => (b.value < a.value ? b : a))
    const high = part.reduce((a, b) => (b.value > a.value ? b : a))
    kept.push(...(low.at < high.at ? [low, high] : low === high ? [low] : [high, low]))
  }
  return kept
}
