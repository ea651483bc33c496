import { svelte } from '@sveltejs/vite-plugin-svelte'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { shell } from './scripts/shell'

const entry = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** While one develops: `/app/history` is app.html, as the server has it. */
const places: Plugin = {
  name: 'fitconnect-places',
  configureServer: (server) =>
    void server.middlewares.use((request, _, next) => {
      request.url = request.url?.replace(/^\/(app|coach|login|tv)(\/[^.?]*)?(?=\?|$)/, '/$1.html')
      next()
    }),
}

/** Whichever style sheet comes first says which layers go over which: a page may load them in any order. */
const LAYERS = '@layer reset,tokens,base,components,utilities;'
const layers: Plugin = {
  name: 'fitconnect-layers',
  enforce: 'post',
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'asset' && file.fileName.endsWith('.css')) file.source = `${LAYERS}${String(file.source).replace(LAYERS, '')}`
    }
  },
}

/**
 * A page's words are asked for when its program has begun to run: a round trip that a slow line feels. The page says which files they are,
 * by language, and theme.js has them on their way at once.
 */
const words: Plugin = {
  name: 'fitconnect-words',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle, filename }) {
      const page = /(\w+)\.html$/.exec(filename)?.[1]
      const chunks = Object.values(bundle ?? {}).filter((file) => file.type === 'chunk')
      const files = (language: string) => chunks.filter(({ name }) => name === language || name === `${page}-${language}`).map(({ fileName }) => `/${fileName}`)
      const attrs = { name: 'words', 'data-ru': files('ru').join(' '), 'data-en': files('en').join(' ') }
      return attrs['data-ru'] ? [{ tag: 'meta', attrs, injectTo: 'head-prepend' }] : []
    },
  },
}

export default defineConfig({
  plugins: [svelte(), shell(), places, layers, words],
  build: {
    target: 'es2022',
    // The page's policy allows no data: fonts and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { app: entry('app.html'), coach: entry('coach.html'), login: entry('login.html'), tv: entry('tv.html'), sw: entry('src/sw.ts') },
      // The worker's name must not change: browsers ask for it by name whether there is a newer one.
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/v1': { target: process.env.FITCONNECT_URL ?? 'http://127.0.0.1:8080', ws: true } } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
