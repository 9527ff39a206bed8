import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import type { UserLand } from '../lab/user-land/user-land.ts'
import { cleanRoot, type DebianRelease } from '../packaging/clean-root.ts'

/** What an image of Debian for a VPS and Raspberry Pi OS Lite have, of what get.sh and install.sh use. */
const OF_AN_IMAGE = 'ca-certificates curl iproute2 iputils-ping openssh-client passwd procps systemd'.split(' ')
/** What install.sh takes from Debian there, where the kernel has no WireGuard either. */
const TAKEN = 'conntrack nftables wireguard-go wireguard-tools'

/** The folder of what stands in for Debian's mirror: an apt repository for each release, in a folder of its name. */
export const MIRROR = join(tmpdir(), 'homeward-mirror')

/** A Debian as it comes, and what it lacks in MIRROR: downloaded once, and kept. */
export async function freshDebian(release: DebianRelease): Promise<UserLand> {
  const land = { release, packages: OF_AN_IMAGE, root: join(tmpdir(), `homeward-fresh-${release}`) }
  const root = await cleanRoot(release, 'of this machine', land)
  const place = join(MIRROR, release)
  try {
    if (existsSync(place)) return land
    await root.copyIn(['/etc/hosts', '/etc/resolv.conf'], '/etc')
    const { exitCode, stderr } = await root.shell(
      `apt-get update && apt-get install --yes --no-install-recommends --download-only ${TAKEN}`,
    )
    if (exitCode !== 0) throw new Error(`packages of Debian ${release} could not be downloaded: ${stderr.slice(-500)}`)
    await rm(`${place}.new`, { recursive: true, force: true })
    await mkdir(`${place}.new`, { recursive: true })
    await root.copyOut('var/cache/apt/archives', `${place}.new`)
    const listed = await runCommand('env', ['-C', `${place}.new`, 'apt-ftparchive', 'packages', '.'], {
      timeoutMs: 60_000,
    })
    await writeFile(join(`${place}.new`, 'Packages'), listed.stdout)
    await rename(`${place}.new`, place)
  } finally {
    await root.end()
  }
  return land
}
