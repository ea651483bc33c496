// Draws the icons of the installed app from the logo, in a browser: `node scripts/icons.mjs`. Their result is kept in public/.

import { fileURLToPath } from 'node:url'
import { launch } from '../e2e/helpers/browser.mjs'

const line = 'M3 17h6l3-8 5 15 4-10 2 3h6'
const page = await (await launch()).newPage()
for (const [name, size, scale] of [['icon-192', 192, 0.78], ['icon-512', 512, 0.78], ['icon-maskable-512', 512, 0.6]]) {
  await page.setViewportSize({ width: size, height: size })
  const round = name.includes('maskable') ? 0 : 7
  await page.setContent(`<style>body{margin:0}</style><svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 32 32"><rect width="32" height="32" rx="${round}" fill="#0B0F14"/><g transform="translate(16 16) scale(${scale}) translate(-16 -16)"><path d="${line}" fill="none" stroke="#00E3A2" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></g></svg>`)
  await page.screenshot({ path: fileURLToPath(new URL(`../public/${name}.png`, import.meta.url)), omitBackground: true })
}
await page.context().browser().close()
