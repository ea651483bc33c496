// A QR code as one SVG path, a unit a module, within the quiet zone that readers need. Imported where it is shown: few pages have one.

import qrcode from 'qrcode-generator'

export interface Qr {
  /** Modules a side, the quiet zone with them. */
  size: number
  path: string
}

const QUIET = 4

export function qrOf(text: string): Qr {
  const code = qrcode(0, 'M')
  code.addData(text)
  code.make()
  const count = code.getModuleCount()
  let path = ''
  for (let y = 0; y < count; y++) {
    for (let x = 0; x < count; x++) {
      const from = x
      while (x < count && code.isDark(y, x)) x++
      if (x > from) path += `M${from + QUIET} ${y + QUIET}h${x - from}v1h${from - x}z`
    }
  }
  return { size: count + 2 * QUIET, path }
}
