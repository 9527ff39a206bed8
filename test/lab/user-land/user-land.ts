import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SHARED_BUNDLES } from '../host/bundle.ts'
import { debianPackages } from '../host/tools.ts'

/** Names the release of Debian whose programs the hosts run; unset where they run this machine's. */
const LAB_DEBIAN = 'HOMEWARD_LAB_DEBIAN'

/** Why the programs of that release could not be had, for each laboratory that would run them. */
export const NO_USER_LAND = 'HOMEWARD_LAB_NO_DEBIAN'

/** The programs that hosts run, where those are not this machine's: another release of Debian. */
export interface UserLand {
  readonly release: string
  readonly packages: readonly string[]
  /** Its whole file system, kept from one run to the next. Hosts have it under an overlay and change nothing of it. */
  readonly root: string
}

/** What Debian's smallest system lacks besides, to be a host: Node, and the firewalls and managers of networks. */
const OF_A_HOST = 'dbus firewalld iproute2 iptables kmod network-manager nftables nodejs python3 systemd ufw'.split(' ')

/** @returns null where the hosts run this machine's own programs. */
export function userLand(environment: Readonly<Record<string, unknown>> = process.env): UserLand | null {
  const release = environment[LAB_DEBIAN]
  if (typeof release !== 'string' || release === '') return null
  const packages = [...new Set([...OF_A_HOST, ...debianPackages()])].toSorted()
  const digest = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  return { release, packages, root: join(tmpdir(), `homeward-debian-${release}-${digest}`) }
}

/** Folders of this machine that are on the hosts at the same place: the command under test, and what tests bundle. */
function keptFolders(labFolder: string): readonly string[] {
  const bundles = process.env[SHARED_BUNDLES]
  const sources = fileURLToPath(new URL('../../..', import.meta.url))
  return [labFolder, sources, ...(bundles === undefined ? [] : [bundles])]
}

/**
 * What moves a host into the other user land; nothing where it runs this machine's programs.
 * @param place of the host, for the overlay.
 * @throws {Error} why the other user land is not there.
 */
export function movingArguments(labFolder: string, place: string): readonly string[] {
  const land = userLand()
  if (land === null) return []
  if (!existsSync(land.root))
    throw new Error(process.env[NO_USER_LAND] ?? `Debian ${land.release} is not at ${land.root}: nobody made it`)
  return [land.root, place, process.execPath, ...keptFolders(labFolder)]
}

/**
 * For a host's first process, before all else: moves it into the other user land, whose changes stay in memory.
 * Arguments: the root, a folder for the overlay, this machine's Node, and the folders to keep. The kernel's own file
 * systems and devices are those of the host as it is.
 */
export const MOVE_IN = `
move_in() {
  lower=$1 place=$2 node=$3
  shift 3
  mkdir -p "$place"
  mount -t tmpfs tmpfs "$place"
  mkdir "$place/upper" "$place/work" "$place/root"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$place/upper,workdir=$place/work" "$place/root"
  cd "$place/root"
  for own in proc sys dev; do mount --rbind "/$own" "$own"; done
  for kept in "$@"; do
    mkdir -p ".$kept"
    mount --bind "$kept" ".$kept"
  done
  [ -e ".$node" ] || { mkdir -p ".\${node%/*}" && ln -s /usr/bin/node ".$node"; }
  rm -f etc/hosts etc/resolv.conf
  touch etc/hosts etc/resolv.conf
  mkdir old
  pivot_root . old
  cd /
  umount --lazy /old
  rmdir /old
}
`
