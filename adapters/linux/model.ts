import { readFile } from 'node:fs/promises'

/** A name for people, e.g. `Raspberry Pi 4 Model B Rev 1.4, Debian GNU/Linux 12 (bookworm)`. */
export async function readModel(): Promise<string> {
  const [board, release] = await Promise.all(['/proc/device-tree/model', '/etc/os-release'].map(textOf))
  return modelFrom(board ?? '', release ?? '')
}

/** Finds the name. Pure. os-release(5): shell-like assignments, perhaps in quotes. Device tree strings end in a NUL. */
export function modelFrom(board: string, osRelease: string): string {
  const name = /^PRETTY_NAME=(.*)$/m
    .exec(osRelease)?.[1]
    ?.trim()
    .replace(/^(['"])(.*)\1$/, '$2')
  const machine = board.split('\0')[0]?.trim()
  return [machine, name].filter((part) => part !== undefined && part !== '').join(', ') || 'Linux'
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
