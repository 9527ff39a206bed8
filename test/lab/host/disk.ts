import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What of a host survives a reboot. */
export interface Disk {
  readonly path: string
  readonly configDir: string
  readonly stateDir: string
  /** Lies over /etc/hosts and /etc/resolv.conf on that host. */
  readonly etc: string
}

/** Makes a host's disk in the laboratory's folder. */
export async function createDisk(labDir: string, hostName: string): Promise<Disk> {
  const path = join(labDir, hostName)
  const disk = { path, configDir: join(path, 'config'), stateDir: join(path, 'state'), etc: join(path, 'etc') }
  await mkdir(disk.etc, { recursive: true })
  await makeDataFolders(disk)
  // Nobody answers names but the hosts file: a question to the machine's own resolver would leave the laboratory.
  await writeFile(join(disk.etc, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  await writeFile(join(disk.etc, 'hosts'), '')
  return disk
}

/** A new disk in the old machine: configuration, secrets and state are gone. */
export async function wipeDisk(disk: Disk): Promise<void> {
  await rm(disk.configDir, { recursive: true, force: true })
  await rm(disk.stateDir, { recursive: true, force: true })
  await makeDataFolders(disk)
}

/** Written in place: the file is bind-mounted, a renamed one would not be seen. New bytes first, then the new length. */
export async function writeHosts(disk: Disk, names: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const named = [...names].flatMap(([name, addresses]) => addresses.map((address) => `${address} ${name}`))
  const lines = ['127.0.0.1 localhost', ...named, '']
  const text = Buffer.from(lines.join('\n'))
  const file = await open(join(disk.etc, 'hosts'), 'r+')
  try {
    await file.write(text, 0, text.length, 0)
    await file.truncate(text.length)
  } finally {
    await file.close()
  }
}

async function makeDataFolders(disk: Disk): Promise<void> {
  await mkdir(disk.configDir, { recursive: true, mode: 0o700 })
  await mkdir(disk.stateDir, { recursive: true, mode: 0o700 })
}
