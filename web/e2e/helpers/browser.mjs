// A headless Chromium and its pages. `CHROMIUM` names another binary.

import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** `more`: further switches of the browser. */
export async function launch(more = []) {
  const executablePath = PLACES.find((path) => path && existsSync(path))
  if (!executablePath) throw new Error('no Chromium: install the package `chromium`, or name one in CHROMIUM')
  return chromium.launch({ executablePath, args: [...FLAGS, ...more] })
}

/** A page of a context of its own, with what went wrong in it. */
export async function newPage(browser, { width = 1920, height = 1080, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...more })
  const page = await context.newPage()
  const errors = []
  // A server that is down is part of a test: dials that fail are not errors of the page.
  const expected = /ERR_CONNECTION|WebSocket connection|Failed to load resource/
  page.on('console', (message) => message.type() === 'error' && !expected.test(message.text()) && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  return { page, errors }
}

export async function logIn(page, url, email, password, lang) {
  await page.goto(`${url}/login?lang=${lang}`)
  await page.fill('#email', email)
  await page.fill('#password', password)
  await Promise.all([page.waitForURL((to) => to.pathname !== '/login', { timeout: 15_000 }), page.click('button[type=submit]')])
}

export function wallAddress(url, classId, lang) {
  return `${url}/tv?class=${classId}&lang=${lang}`
}
