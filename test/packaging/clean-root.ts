import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, runCommand, tryCommand } from '../../system/process/run-command.ts'
import { bootstrap } from '../lab/user-land/bootstrap.ts'
import type { UserLand } from '../lab/user-land/user-land.ts'

/** The smallest Debian with what homeward depends on, and nothing besides that is not asked for here. */
const PACKAGES =
  'conntrack iproute2 iputils-ping nftables openssh-client passwd procps systemd wireguard-go wireguard-tools'.split(
    ' ',
  )

const MINUTES = 900_000

export type DebianRelease = 'bookworm' | 'trixie'

/** A system of its own, whose changes are gone with it. */
export interface CleanRoot {
  /** A shell script as root, ended by its first failing command. */
  shell(script: string): Promise<CommandResult>
  /** Puts files of this machine into a folder of it. */
  copyIn(paths: readonly string[], folder: string): Promise<void>
  /** Puts a file or folder of what was written there into a folder of this machine. */
  copyOut(path: string, folder: string): Promise<void>
  /** Every file and folder with its kind, mode, owner and sum, a line each; what apt and dpkg note down for themselves apart. */
  files(): Promise<readonly string[]>
  end(): Promise<void>
}

/** Arguments: the folder with root/. Without systemd, as in a container; the mounts and processes end with the script. */
const ENTER = `
root=$1
ip link set lo up
mount -t overlay overlay -o "lowerdir=$2,upperdir=$root/upper,workdir=$root/work" "$root/root"
cd "$root/root"
mount -t proc proc proc
for own in sys dev; do mount --rbind "/$own" "$own"; done
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir old
pivot_root . old
cd /
umount --lazy /old
rmdir /old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive sh -e`

/**
 * Kept from one run to the next, as the laboratory's is; downloaded once.
 * @param network in which there is nobody, for what changes it; or this machine's, for what only fetches.
 * @param land another system than that with what homeward depends on.
 */
export async function cleanRoot(
  release: DebianRelease,
  network: 'nobody' | 'of this machine' = 'nobody',
  land: UserLand = { release, packages: PACKAGES, root: join(tmpdir(), `homeward-clean-${release}`) },
): Promise<CleanRoot> {
  const lower = land.root
  await bootstrap(land)
  const folder = await mkdtemp(join(tmpdir(), 'homeward-clean-'))
  const upper = join(folder, 'upper')
  await runCommand('mkdir', [upper, join(folder, 'work'), join(folder, 'root')])

  async function shell(script: string): Promise<CommandResult> {
    const inside = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child']
    if (network === 'nobody') inside.push('--net')
    return tryCommand('unshare', [...inside, 'sh', '-ec', ENTER, 'sh', folder, lower], {
      input: script,
      timeoutMs: MINUTES,
    })
  }

  return {
    shell,
    copyIn: async (paths, to) => {
      await runCommand('mkdir', ['-p', join(upper, to)])
      await runCommand('cp', ['-R', ...paths, join(upper, to)], { timeoutMs: MINUTES })
    },
    copyOut: async (path, to) => void (await runCommand('cp', ['-R', join(upper, path), to], { timeoutMs: MINUTES })),
    files: async () => {
      const { stdout, stderr, exitCode } = await shell(LIST)
      if (exitCode !== 0) throw new Error(`the files could not be listed: ${stderr}`)
      return stdout.trim().split('\n')
    },
    end: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The account files' copies of before (passwd-) and locks are of the programs that add users. */
const LIST = `
find / -xdev \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /var/tmp -o -path /opt \\) -prune -o \\
  ! -name '*.lock' ! -path '/etc/*-' -printf '%y %m %U:%G %p %l\\n' | sort
find /etc /usr /lib /var/lib -xdev \\( -path /var/lib/dpkg -o -path /var/lib/apt \\) -prune -o -type f ! -path '/etc/*-' -print0 | sort -z | xargs -0 sha256sum`
