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

export default defineConfig({
  plugins: [svelte(), shell(), places, layers],
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
