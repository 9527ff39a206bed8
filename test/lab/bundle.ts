import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Makes of a program of ours the one file that a host can run. @param folder the laboratory's, gone with it. */
export async function bundleFor(folder: string, entry: URL): Promise<string> {
  const outfile = join(folder, basename(fileURLToPath(entry)).replace(/\.ts$/, '.mjs'))
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // Some vendors are CommonJS and call require for node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return outfile
}
