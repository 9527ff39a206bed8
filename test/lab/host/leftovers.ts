import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'homeward-lab-'

/**
 * A laboratory's folder bears its owner, so that the next one can tell what was left behind: the process, and the
 * namespace that numbered it, since a container beside us may share this folder but not our numbers.
 */
export async function makeLabFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-${await numberedBy()}-`))
}

/** A killed laboratory leaves its folder, and nothing else: the kernel ends its hosts with it. */
export async function removeLeftovers(place: string = tmpdir()): Promise<void> {
  const ours = await numberedBy()
  for (const name of await readdir(place)) {
    const [, owner, namespace] = new RegExp(`^${PREFIX}(\\d+)-(\\d+)-`).exec(name) ?? []
    if (owner === undefined || namespace !== ours || existsSync(`/proc/${owner}`)) continue
    await rm(join(place, name), { recursive: true, force: true })
  }
}

/** Our process namespace's number, from a link like `pid:[4026531836]` (pid_namespaces(7)). */
async function numberedBy(): Promise<string> {
  return (await readlink('/proc/self/ns/pid')).replaceAll(/\D/g, '')
}
