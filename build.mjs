// Bundles the command into dist/: one entry, lazy chunks for the vendors that only some commands need.
import { chmod, readFile, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'))

await rm('dist', { recursive: true, force: true })
await build({
  entryPoints: { homeward: 'cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  define: { HOMEWARD_VERSION: JSON.stringify(version) },
  banner: {
    // Some vendors are CommonJS and call require for node's own modules.
    js: "import { createRequire as homewardRequire } from 'node:module'; const require = homewardRequire(import.meta.url);",
  },
  entryNames: '[name]',
  chunkNames: 'chunks/[name]-[hash]',
})
await chmod('dist/homeward.js', 0o755)
