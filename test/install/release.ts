import { fileURLToPath } from 'node:url'
import type { ScratchMachine } from './scratch-machine.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** Unpacks on a scratch machine what package.json's `files` ship: no sources, so nothing is built. */
export async function unpackRelease(machine: ScratchMachine, folder: string): Promise<void> {
  await machine.shell(`
mkdir -p ${folder}
cd ${CHECKOUT}
cp -R dist docs install.sh systemd package.json README.md LICENSE CHANGELOG.md ${folder}/`)
}
