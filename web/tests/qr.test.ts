import qrcode from 'qrcode-generator'
import { expect, test } from 'vitest'
import { qrOf } from '../src/ui/qr'

const ADDRESS = 'https://gym.example/coach?pair=482913'

test('the path fills exactly the dark modules, within four light ones on each side', () => {
  const { size, path } = qrOf(ADDRESS)
  const filled = new Set<string>()
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) for (let at = 0; at < Number(length); at++) filled.add(`${Number(x) + at},${y}`)
  const code = qrcode(0, 'M')
  code.addData(ADDRESS)
  code.make()
  const count = code.getModuleCount()
  expect(size).toBe(count + 8)
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const inside = x >= 4 && y >= 4 && x < count + 4 && y < count + 4
      expect(filled.has(`${x},${y}`), `${x},${y}`).toBe(inside && code.isDark(y - 4, x - 4))
    }
  }
})
