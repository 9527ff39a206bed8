import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Makes of a program of ours the one file that a host can run; in a bundle, which has no sources, it stands beside that.
 * @param folder the laboratory's, gone with it.
 */
export async function bundleFor(folder: string, entry: URL): Promise<string> {
  const name = basename(fileURLToPath(entry), '.ts')
  const built = join(dirname(fileURLToPath(import.meta.url)), `${name}.js`)
  if (existsSync(built)) return built
  const { build } = await import('esbuild')
  const outfile = join(folder, `${name}.mjs`)
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
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
  return outfile
}
