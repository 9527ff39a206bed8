import { readFile, rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeSums } from '../../packaging/sums.ts'
import { runCommand } from '../../system/process/run-command.ts'
import type { ScratchMachine } from './scratch-machine.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** Unpacks on a scratch machine what package.json's `files` ship, with its sums: no sources, so nothing is built. */
export async function unpackRelease(machine: ScratchMachine, folder: string): Promise<void> {
  const { files } = JSON.parse(await readFile(`${CHECKOUT}package.json`, 'utf8')) as { files: readonly string[] }
  const release = await mkdtemp(join(tmpdir(), 'homeward-release-'))
  try {
    const copy = ['-c', 'cd "$1" && shift && exec cp -R --parents "$@"', 'sh', CHECKOUT]
    await runCommand('sh', [...copy, ...files, 'package.json', release], { timeoutMs: 60_000 })
    await writeSums(release)
    await machine.copyIn([`${release}/.`], folder)
  } finally {
    await rm(release, { recursive: true, force: true })
  }
}

/** A line of shell that writes the sums of a release again, for one that a test has changed on purpose. */
export const sumUp = (folder: string): string =>
  `(cd ${folder} && find . -type f ! -name 'SHA256SUMS*' -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)`
