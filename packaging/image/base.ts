import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import type { Architecture } from '../node/own-node.ts'

/** Of 15 MB of packages, from a mirror that may be far. */
const FETCH_MS = 900_000
/** Debian 13, whose updates and security mmdebstrap adds. */
const RELEASE = 'trixie'

/**
 * What homeward calls and Node is linked with, and no more: there is no apt, no dpkg and no perl, and a container gets its
 * corrections as a new image.
 *
 * - iptables: a container in the host's network stands beside the host's firewall, and only iptables' own programs see all of it.
 * - util-linux: flock(1), for locks.
 * - bash, grep, mawk, procps, sed: what install.sh's undo_network is made of, which `uninstall` runs.
 *
 * No ca-certificates: Node has the roots itself.
 */
const PACKAGES =
  'base-files bash conntrack coreutils dash grep iproute2 iptables iputils-ping libstdc++6 mawk nftables procps sed util-linux wireguard-go wireguard-tools'

/** Of no use in a container. Licences stay. */
const UNUSED = [
  ...'boot dev home media mnt opt srv sys proc tmp run etc/hostname etc/resolv.conf etc/fstab etc/apt'.split(' '),
  ...'var/cache var/lib/apt var/log var/backups var/mail var/spool'.split(' '),
  ...'bash-completion bug gcc info lintian locale man menu perl5 pam'.split(' ').map((name) => `usr/share/${name}`),
]

/** Made by maintainer scripts of Debian's packages, none of which runs here: link and where it leads. */
const LINKS: readonly (readonly [string, string])[] = [
  ['var/run', '/run'],
  ['var/lock', '/run/lock'],
  ['usr/bin/awk', 'mawk'],
  ...['iptables', 'ip6tables'].flatMap((name) =>
    ['', '-save', '-restore'].map((verb) => [`usr/sbin/${name}${verb}`, 'xtables-nft-multi'] as const),
  ),
]

const ACCOUNTS = [
  ['etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n'],
  ['etc/group', 'root:x:0:\nnogroup:x:65534:\n'],
  // Without it names would be asked of DNS before /etc/hosts (nsswitch.conf(5)).
  ['etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'],
] as const

/**
 * The smallest Debian that homeward runs on, unpacked and not installed: no program of it runs, so that one machine makes
 * it for every architecture, and two made on one day are the same. What is in it depends on the mirror's state of the day.
 */
export async function makeBase(architecture: Architecture, folder: string): Promise<void> {
  const options = ['--variant=extract', `--architectures=${architecture}`, `--include=${PACKAGES.replaceAll(' ', ',')}`]
  await runCommand('mmdebstrap', [...options, '--format=directory', RELEASE, folder], { timeoutMs: FETCH_MS })
  for (const path of UNUSED) await rm(join(folder, path), { recursive: true, force: true })
  for (const path of ['dev', 'proc', 'sys', 'run', 'tmp', 'data']) await mkdir(join(folder, path))
  await chmod(join(folder, 'tmp'), 0o1777)
  await chmod(join(folder, 'data'), 0o700)
  for (const [link, target] of LINKS) {
    await rm(join(folder, link), { recursive: true, force: true })
    await symlink(target, join(folder, link))
  }
  for (const [path, text] of ACCOUNTS) await writeFile(join(folder, path), text)
  await keepLicencesOnly(join(folder, 'usr/share/doc'))
  // Nobody becomes root in here who is not.
  await runCommand('find', [folder, '-xdev', '-type', 'f', '-perm', '/6000', '-exec', 'chmod', 'a-s', '{}', '+'])
}

async function keepLicencesOnly(docs: string): Promise<void> {
  for (const name of await readdir(docs))
    for (const file of await readdir(join(docs, name)))
      if (file !== 'copyright') await rm(join(docs, name, file), { recursive: true })
}
