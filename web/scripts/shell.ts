// Tells the service worker what the member's shell is made of: everything that app.html loads, at once or later, and what stands
// beside it in public/.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin, Rollup } from 'vite'

const PUBLIC = fileURLToPath(new URL('../public', import.meta.url))

export function shell(): Plugin {
  return {
    name: 'fitconnect-shell',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle['sw.js']
      if (worker?.type !== 'chunk') return
      const entry = Object.values(bundle).find((each) => each.type === 'chunk' && each.isEntry && each.name === 'app') as Rollup.OutputChunk
      const files = new Set<string>()
      gather(entry.fileName, bundle, files)
      // The icon and the fonts are named in the page itself.
      for (const name of Object.keys(bundle)) if (/\.(woff2|svg)$/.test(name)) files.add(name)
      const beside = readdirSync(PUBLIC)
      const paths = [...[...files].sort(), ...beside.sort()].map((name) => `/${name}`)
      const stamp = createHash('sha256').update(paths.join())
      for (const name of beside) stamp.update(readFileSync(`${PUBLIC}/${name}`))
      worker.code = worker.code.replace('__SHELL_FILES__', paths.join(' ')).replace('__SHELL_STAMP__', stamp.digest('hex').slice(0, 12))
    },
  }
}

function gather(name: string, bundle: Rollup.OutputBundle, files: Set<string>): void {
  const chunk = bundle[name]
  if (files.has(name) || chunk?.type !== 'chunk') return
  files.add(name)
  const styles = (chunk as { viteMetadata?: { importedCss: Set<string> } }).viteMetadata?.importedCss ?? []
  for (const style of styles) files.add(style)
  for (const next of [...chunk.imports, ...chunk.dynamicImports]) gather(next, bundle, files)
}
