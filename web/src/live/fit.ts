// Text that fits its place: cut with an ellipsis by measure, so that nothing overflows and both walls cut alike.

const CACHE_MAX = 4_000

export class Fitter {
  private readonly canvas = document.createElement('canvas')
  private readonly context = this.canvas.getContext('2d')
  private readonly fitted = new Map<string, string>()
  private readonly widths = new Map<string, number>()

  constructor(private readonly family: string) {
    // In the page, because a canvas takes its digits' width (tabular or not) from where it stands.
    this.canvas.className = 'measure'
    this.canvas.width = this.canvas.height = 0
    document.body.append(this.canvas)
  }

  destroy(): void {
    this.canvas.remove()
  }

  font(size: number, weight: number): string {
    return `${weight} ${size}px ${this.family}`
  }

  width(text: string, font: string): number {
    return remembered(this.widths, `${font}|${text}`, () => this.measure(text, font))
  }

  fit(text: string, room: number, font: string): string {
    return remembered(this.fitted, `${font}|${Math.floor(room)}|${text}`, () => this.cut(text, room, font))
  }

  /** The first of these that fits whole; else what fits of the last one that is not empty. */
  choose(texts: readonly string[], room: number, font: string): string {
    const given = texts.filter((text) => text !== '')
    return given.find((text) => this.width(text, font) <= room) ?? this.fit(given.at(-1) ?? '', room, font)
  }

  /** Fonts have arrived: what was measured before is wrong. */
  forget(): void {
    this.fitted.clear()
    this.widths.clear()
  }

  /** The browser looks at the styles around before it measures: not for each tile at each tick. */
  private measure(text: string, font: string): number {
    if (!this.context) return text.length * parseFloat(font.split(' ')[1] ?? '16') * 0.55
    this.context.font = font
    return this.context.measureText(text).width
  }

  private cut(text: string, room: number, font: string): string {
    if (this.width(text, font) <= room) return text
    const letters = [...text]
    let [fits, tooMany] = [0, letters.length]
    while (tooMany - fits > 1) {
      const middle = (fits + tooMany) >> 1
      if (this.width(`${letters.slice(0, middle).join('').trimEnd()}…`, font) <= room) fits = middle
      else tooMany = middle
    }
    return fits > 0 ? `${letters.slice(0, fits).join('').trimEnd()}…` : ''
  }
}

function remembered<Value>(cache: Map<string, Value>, key: string, make: () => Value): Value {
  const known = cache.get(key)
  if (known !== undefined) return known
  if (cache.size >= CACHE_MAX) cache.clear()
  const made = make()
  cache.set(key, made)
  return made
}
