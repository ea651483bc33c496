import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as kit from '../src/kit'

test('the kit can be had without a browser and without a framework', () => {
  expect(typeof kit.Socket).toBe('function')
  expect(typeof kit.Recorder).toBe('function')
  for (const folder of ['proto', 'net', 'live', 'hr', 'room']) {
    const path = fileURLToPath(new URL(`../src/${folder}`, import.meta.url))
    for (const name of readdirSync(path)) expect(readFileSync(`${path}/${name}`, 'utf8'), `${folder}/${name}`).not.toMatch(/from ['"]svelte|\.svelte['"]|\$state/)
  }
})
