import { join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import type { Architecture } from '../node/own-node.ts'

/** 200 MB are copied and compressed, by one core of a busy machine. */
const COMMIT_MS = 900_000

/** One layer of an image. A registry and its readers keep a layer for as long as it is the same. */
export interface Layer {
  /** What it holds, from the root on. */
  readonly folder: string
  /** Seconds since 1970, of all files in it. One that rarely changes has a time that never does. */
  readonly at: number
}

/** How containers of it start. */
export interface ImageFacts {
  readonly entrypoint: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly volume: string
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Puts layers upon one another by buildah, into a folder in the layout of the Open Container Initiative
 * (image-layout.md of the image-spec). Nothing of the image runs. Two of the same layers are the same, byte for byte.
 * @param work a folder for buildah's own files.
 * @returns the folder.
 */
export async function layOut(
  work: string,
  architecture: Architecture,
  layers: readonly Layer[],
  facts: ImageFacts,
): Promise<string> {
  const store = ['--root', join(work, 'store'), '--runroot', join(work, 'runroot'), '--storage-driver', 'vfs']
  const buildah = async (verb: string, ...args: readonly string[]): Promise<string> => {
    const { stdout } = await runCommand('buildah', [...store, verb, ...args], { timeoutMs: COMMIT_MS })
    return stdout.trim()
  }
  let image = 'scratch'
  for (const [index, { folder, at }] of layers.entries()) {
    const container = await buildah('from', '--arch', architecture, '--pull-never', image)
    await buildah('copy', '--quiet', container, `${folder}/`, '/')
    const isLast = index === layers.length - 1
    await buildah('config', '--arch', architecture, '--os', 'linux', ...(isLast ? settings(facts) : []), container)
    // In a store of its own, and the next layer's history names it.
    image = `localhost/homeward-layer-${index}`
    await buildah('commit', '--quiet', '--rm', '--timestamp', String(at), container, image)
  }
  const place = join(work, 'oci')
  await buildah('push', '--quiet', image, `oci:${place}`)
  return place
}

function settings({ entrypoint, environment, volume, labels }: ImageFacts): readonly string[] {
  return [
    '--entrypoint',
    JSON.stringify(entrypoint),
    '--cmd',
    '',
    '--volume',
    volume,
    '--workingdir',
    '/',
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
  ]
}
