import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as palette from '../src/live/palette'

const css = readFileSync(new URL('../src/ui/tokens.css', import.meta.url), 'utf8')
const token = (name: string) => css.match(new RegExp(`--${name}: (#[0-9A-F]{6})`))?.[1]

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light! + 0.05) / (dark! + 0.05)
}

test('the canvas and the style sheet have the same colours', () => {
  palette.ZONES.forEach((ink, zone) => expect([token(`zone-${zone}`), token(`zone-${zone}-ink`)]).toEqual([ink.fill, ink.text]))
  expect([token('canvas'), token('card'), token('raised'), token('lost'), token('text'), token('muted'), token('outline'), token('dash')]).toEqual(
    [palette.CANVAS, palette.CARD, palette.RAISED, palette.LOST, palette.TEXT, palette.MUTED, palette.OUTLINE, palette.DASH],
  )
})

test('text on every zone is read, and every zone stands out from the ground', () => {
  for (const { fill, text } of palette.ZONES) expect(contrast(fill, text)).toBeGreaterThanOrEqual(4.6)
  for (const { fill } of palette.ZONES.slice(1)) expect(contrast(fill, palette.CANVAS)).toBeGreaterThanOrEqual(3)
  expect(contrast(palette.MUTED, palette.CARD)).toBeGreaterThanOrEqual(4.6)
})

test('zones differ in grey too', () => {
  const grey = palette.ZONES.slice(1).map(({ fill }) => luminance(fill) + 0.05)
  for (const a of grey) for (const b of grey) if (a !== b) expect(Math.max(a, b) / Math.min(a, b)).toBeGreaterThanOrEqual(1.42)
})
