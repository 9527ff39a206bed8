import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packFolder } from '../../packaging/archive.ts'
import { writeGetScript } from '../../packaging/get-script.ts'
import { sign } from '../../packaging/signature.ts'
import { writeSums } from '../../packaging/sums.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { makeKey } from '../packaging/verifying.ts'
import type { ScratchMachine } from './scratch-machine.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** Unpacks on a scratch machine what package.json's `files` ship, with its sums: no sources, so nothing is built. */
export async function unpackRelease(machine: ScratchMachine, folder: string): Promise<void> {
  await withFolder(async (release) => {
    await copyRelease(release)
    await machine.copyIn([`${release}/.`], folder)
  })
}

/** Puts into a folder of a scratch machine what whoever hosts a release has: get.sh, and a tarball that is signed. */
export async function placeRelease(machine: ScratchMachine, folder: string): Promise<void> {
  await withFolder(async (place) => {
    const architecture = (await runCommand('dpkg', ['--print-architecture'])).stdout.trim()
    const name = `homeward-0.0.7-linux-${architecture}`
    await mkdir(join(place, name))
    await copyRelease(join(place, name))
    await packFolder(place, name, 1_767_323_045)
    await rm(join(place, name), { recursive: true })
    await writeSums(place)
    const key = await makeKey(place, 'key')
    // get.sh trusts that key alone.
    const source = join(place, 'source')
    await mkdir(join(source, 'packaging'), { recursive: true })
    await runCommand('cp', [`${CHECKOUT}packaging/get.sh`, join(source, 'packaging')])
    await writeFile(join(source, 'allowed_signers'), key.line)
    await writeGetScript(source, place)
    await sign(place, key.path, join(source, 'allowed_signers'))
    const files = ['get.sh', 'SHA256SUMS', 'SHA256SUMS.sig', `${name}.tar.gz`].map((file) => join(place, file))
    await machine.copyIn(files, folder)
  })
}

async function copyRelease(to: string): Promise<void> {
  const { files } = JSON.parse(await readFile(`${CHECKOUT}package.json`, 'utf8')) as { files: readonly string[] }
  const copy = ['-c', 'cd "$1" && shift && exec cp -R --parents "$@"', 'sh', CHECKOUT]
  await runCommand('sh', [...copy, ...files, 'package.json', to], { timeoutMs: 60_000 })
  await writeSums(to)
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-release-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A line of shell that writes the sums of a release again, for one that a test has changed on purpose. */
export const sumUp = (folder: string): string =>
  `(cd ${folder} && find . -type f ! -name 'SHA256SUMS*' -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)`
