import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeImage } from '../../packaging/image/image.ts'
import { addNode } from '../../packaging/node/own-node.ts'
import { runCommand } from '../../system/process/run-command.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const MINUTES = 1_200_000

/** An image, unpacked as an engine does it. */
export interface Image {
  readonly root: string
  readonly entrypoint: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface BuiltImage extends Image {
  readonly tar: string
  /** The same image with a program of another version. */
  newer(version: string): Promise<Image>
  end(): Promise<void>
}

/** Makes the image of this working tree for this machine's architecture, and unpacks it. */
export async function buildImage(version: string): Promise<BuiltImage> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-image-'))
  const release = join(folder, 'release')
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  await buildProgram(join(release, 'dist'), version)
  await addNode(CHECKOUT, release, architecture)
  await cp(join(CHECKOUT, 'LICENSE'), join(release, 'LICENSE'))
  await sayVersion(release, version)
  for (const name of ['NOTICES', 'homeward.cdx.json']) await cp(join(CHECKOUT, 'LICENSE'), join(release, name))
  const facts = { version, architecture, committedAt: 1_767_323_045 } as const
  const tar = join(folder, await makeImage(CHECKOUT, release, folder, facts))
  const image = await unpackImage(tar, join(folder, 'layout'), join(folder, 'root'))
  return {
    ...image,
    tar,
    async newer(other) {
      const root = join(folder, `root-${other}`)
      await runCommand('cp', ['-a', image.root, root], { timeoutMs: MINUTES })
      await buildProgram(join(root, 'usr/lib/homeward/dist'), other)
      await sayVersion(join(root, 'usr/lib/homeward'), other)
      return { ...image, root }
    },
    end: () => rm(folder, { recursive: true, force: true }),
  }
}

/** package.json, as a release of that version has it. */
async function sayVersion(folder: string, version: string): Promise<void> {
  const text = await readFile(join(CHECKOUT, 'package.json'), 'utf8')
  await writeFile(join(folder, 'package.json'), text.replace(/"version": "[^"]*"/, `"version": "${version}"`))
}

async function buildProgram(into: string, version: string): Promise<void> {
  await mkdir(join(into, '..'), { recursive: true })
  await runCommand(process.execPath, [join(CHECKOUT, 'build.mjs'), '--outdir', into, '--version', version], {
    timeoutMs: MINUTES,
  })
}

/** By what `docker load` reads of it. */
export async function unpackImage(tar: string, layout: string, root: string): Promise<Image> {
  await mkdir(layout)
  await mkdir(root)
  await runCommand('tar', ['-xf', tar, '-C', layout], { timeoutMs: MINUTES })
  const read = async (path: string) => JSON.parse(await readFile(join(layout, path), 'utf8'))
  const [{ Config, Layers }] = await read('manifest.json')
  for (const layer of Layers) await runCommand('tar', ['-xzf', join(layout, layer), '-C', root], { timeoutMs: MINUTES })
  const { config } = await read(Config)
  await rm(layout, { recursive: true })
  if ((await readdir(root)).length === 0) throw new Error('the image is empty')
  const environment = Object.fromEntries(
    (config.Env as readonly string[]).map((text) => text.split(/=(.*)/s) as [string, string]),
  )
  return { root, entrypoint: config.Entrypoint, environment }
}
