import { posix } from 'node:path'

/** What esbuild says of a build, as far as it is read here (esbuild.github.io/api/#metafile). Paths are relative to the folder of the build. */
export interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, { bytesInOutput: number }>> }>>
}

/**
 * The packages of which at least one byte is in the bundle.
 * @returns their folders, relative to the folder of the build, sorted.
 * @throws where something was bundled from outside of that folder: whoever builds elsewhere gets other bytes.
 */
export function bundledPackages({ outputs }: Metafile): readonly string[] {
  const folders = new Set<string>()
  for (const { inputs } of Object.values(outputs))
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      if (posix.isAbsolute(path) || path.startsWith('../'))
        throw new Error(`${path} was bundled from outside of the source: install the packages into node_modules there`)
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]
      if (bytesInOutput > 0 && folder !== undefined) folders.add(folder)
    }
  return [...folders].sort()
}
