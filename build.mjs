// Bundles into dist/: the command (one entry, lazy chunks for the vendors that only some verbs need) and the demo.
// With --bench also the measurements, into dist/bench. For a release --outdir, --version and --metafile FILE, where what
// esbuild says of the bundle is written.
import { existsSync } from 'node:fs'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

// Names in the bundle are relative to it, so that where a build was called from leaves no trace.
process.chdir(fileURLToPath(new URL('.', import.meta.url)))
const { version: written } = JSON.parse(await readFile('package.json', 'utf8'))
const { outdir, version, metafile, bench } = parseArgs({
  options: {
    outdir: { type: 'string', default: 'dist' },
    version: { type: 'string', default: written },
    metafile: { type: 'string' },
    bench: { type: 'boolean', default: false },
  },
}).values

// What mqtt brings for browsers and proxies, and homeward never reaches: brokers are mqtt:// and mqtts:// (alerts/settings).
const NOTHING = './packaging/nothing.cjs'
const unreached = {
  // A copy of Node's own streams for other platforms; both mqtt and bl take what they need from either.
  'readable-stream': 'node:stream',
  // Brokers by WebSocket, and behind a SOCKS proxy that a variable of the environment would name.
  ws: NOTHING,
  socks: NOTHING,
  // Timers of a browser that slows down its pages in the background.
  'worker-timers': NOTHING,
}

// Where releases are, as packaging/get.sh has it.
const place = /^PLACE='(.*)'$/m.exec(await readFile('packaging/get.sh', 'utf8'))[1]

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // A node_modules that is a link is bundled under the same names as a folder.
  preserveSymlinks: true,
  // Native parts of ssh2, which it does without when they are not there, and they never are.
  external: ['cpu-features', '*.node'],
  // Some vendors are CommonJS and ask where they are.
  define: {
    HOMEWARD_VERSION: JSON.stringify(version),
    HOMEWARD_PLACE: JSON.stringify(place),
    __dirname: 'import.meta.dirname',
    // Without it `socks` stays unreached, whatever the environment says.
    'process.env.MQTTJS_SOCKS_PROXY': 'undefined',
  },
  alias: unreached,
  banner: {
    // Some vendors are CommonJS and call require for node's own modules.
    js: "import { createRequire as homewardRequire } from 'node:module'; const require = homewardRequire(import.meta.url);",
  },
}

// A build that fails leaves the old one whole.
const fresh = `.dist-${process.pid}`
const made = await build({
  ...common,
  entryPoints: ['cli/main.ts', 'test/lab/demo.ts']
    .filter((path) => existsSync(path))
    .map((path) => ({ in: path, out: path === 'cli/main.ts' ? 'homeward' : 'demo' })),
  outdir: fresh,
  metafile: true,
  // The demo bundles programs of the laboratory only where it runs from the sources, with esbuild beside them.
  external: [...common.external, 'esbuild'],
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
})
await chmod(`${fresh}/homeward.js`, 0o755)

if (bench)
  await build({
    ...common,
    entryPoints: [
      ...[
        'throughput',
        'idle-cost',
        'hub-load',
        'publications',
        'release',
        'router-cost',
        'recovery/recovery',
        'seventy-two-hours',
      ].map((name) => `bench/${name}.ts`),
      // Run in the namespaces of the laboratory's Pi and router.
      'bench/recovery/api-round-trip.ts',
      'bench/router-looks.ts',
      // Loaded before the daemons of the seventy-two hours.
      'bench/movable-clock.ts',
      'test/fake/routeros/lab-router.ts',
      'test/fake/openwrt/openwrt-router.ts',
    ],
    entryNames: '[name]',
    outdir: `${fresh}/bench`,
    // Where the sources are, programs are bundled as they are needed; here they stand beside it.
    external: [...common.external, 'esbuild'],
  })

await rm(outdir, { recursive: true, force: true })
await rename(fresh, outdir)
if (metafile !== undefined) await writeFile(metafile, JSON.stringify(made.metafile))
