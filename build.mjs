// Bundles into dist/: the command (one entry, lazy chunks for the vendors that only some verbs need) and the demo.
// With --bench also the measurements, into dist/bench.
import { existsSync } from 'node:fs'
import { chmod, readFile, rename, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'))

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Native parts of ssh2, which it does without when they are not there, and they never are.
  external: ['cpu-features', '*.node'],
  // Some vendors are CommonJS and ask where they are.
  define: { HOMEWARD_VERSION: JSON.stringify(version), __dirname: 'import.meta.dirname' },
  banner: {
    // Some vendors are CommonJS and call require for node's own modules.
    js: "import { createRequire as homewardRequire } from 'node:module'; const require = homewardRequire(import.meta.url);",
  },
}

// A build that fails leaves the old one whole.
const fresh = `.dist-${process.pid}`
await build({
  ...common,
  entryPoints: ['cli/main.ts', 'test/lab/demo.ts']
    .filter((path) => existsSync(path))
    .map((path) => ({ in: path, out: path === 'cli/main.ts' ? 'homeward' : 'demo' })),
  outdir: fresh,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
})
await chmod(`${fresh}/homeward.js`, 0o755)

if (process.argv.includes('--bench'))
  await build({
    ...common,
    entryPoints: [
      ...['throughput', 'idle-cost', 'hub-load', 'publications', 'recovery/recovery'].map((name) => `bench/${name}.ts`),
      // Run in the namespaces of the laboratory's Pi and router.
      'bench/recovery/api-round-trip.ts',
      'test/fake/routeros/lab-router.ts',
      'test/fake/openwrt/openwrt-router.ts',
    ],
    entryNames: '[name]',
    outdir: `${fresh}/bench`,
    // Where the sources are, programs are bundled as they are needed; here they stand beside it.
    external: [...common.external, 'esbuild'],
  })

await rm('dist', { recursive: true, force: true })
await rename(fresh, 'dist')
