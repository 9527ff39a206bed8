import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Names the folder of what one run of the tests has bundled; unset where each laboratory bundles its own. */
export const SHARED_BUNDLES = 'HOMEWARD_LAB_BUNDLES'

/**
 * Makes of a program of ours the one file that a host can run; in a bundle, which has no sources, it stands beside that.
 * Within a run of the tests it is made once: that takes seconds, and many laboratories have the same program.
 * @param folder the laboratory's, gone with it; for a program that no run of the tests has.
 */
export async function bundleFor(folder: string, entry: URL): Promise<string> {
  const source = fileURLToPath(entry)
  const name = basename(source, '.ts')
  const built = join(dirname(fileURLToPath(import.meta.url)), `${name}.js`)
  if (existsSync(built)) return built
  const shared = process.env[SHARED_BUNDLES]
  const place = shared === undefined ? folder : join(shared, createHash('sha256').update(source).digest('hex'))
  const outfile = join(place, `${name}.mjs`)
  if (shared !== undefined && existsSync(outfile)) return outfile
  const { build } = await import('esbuild')
  // Two test files may want it at the same moment, and neither may see half of it.
  const fresh = join(place, `${name}-${randomUUID()}.mjs`)
  await build({
    entryPoints: [source],
    outfile: fresh,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // Native parts of ssh2, which it does without when they are not there, and they never are.
    external: ['cpu-features', '*.node'],
    define: { __dirname: 'import.meta.dirname' },
    // Some vendors are CommonJS and call require for node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  await rename(fresh, outfile)
  return outfile
}
