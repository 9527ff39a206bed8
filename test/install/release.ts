import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ScratchMachine } from './scratch-machine.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** Unpacks on a scratch machine what package.json's `files` ship: no sources, so nothing is built. */
export async function unpackRelease(machine: ScratchMachine, folder: string): Promise<void> {
  const { files } = JSON.parse(await readFile(`${CHECKOUT}package.json`, 'utf8')) as { files: readonly string[] }
  await machine.copyIn(
    [...files, 'package.json'].map((file) => `${CHECKOUT}${file}`),
    folder,
  )
}
