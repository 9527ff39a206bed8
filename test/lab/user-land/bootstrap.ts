import { existsSync } from 'node:fs'
import { tryCommand } from '../../../system/process/run-command.ts'
import type { UserLand } from './user-land.ts'

/** A download of some hundred megabytes, from a mirror that may be far. */
const BOOTSTRAP_MS = 20 * 60_000

/**
 * One run makes it, the others wait. It is built beside its place and put there when it is whole, so a run that is
 * killed leaves none that looks whole. No script of a package can change this machine's devices. apt checks every package by Debian's keys, which mmdebstrap finds.
 */
const BOOTSTRAP = `
set -e
release=$1 root=$2 packages=$3 mirror=$4
exec 9>"$root.lock"
flock 9
[ ! -e "$root" ] || exit 0
rm -rf "$root.new"
unshare --mount sh -ec '
mount --bind /dev /dev
mount -o remount,bind,ro /dev
exec mmdebstrap --mode=root --variant=minbase --include="$1" "$2" "$3" $4' sh "$packages" "$release" "$root.new" "$mirror"
mv "$root.new" "$root"
`

/** Makes the root of another release of Debian, unless it is there. @throws {Error} with what to do. */
export async function bootstrap({ release, packages, root }: UserLand): Promise<void> {
  if (existsSync(root)) return
  const args = ['-c', BOOTSTRAP, 'bootstrap', release, root, packages.join(','), await mirror()]
  const { exitCode, stderr } = await tryCommand('sh', args, { timeoutMs: BOOTSTRAP_MS })
  if (exitCode === 0) return
  const why = stderr.trim().split('\n').slice(-5).join('\n')
  throw new Error(
    `making Debian ${release} for the laboratory failed: ${why}\nIt is downloaded with mmdebstrap (apt-get install mmdebstrap debian-archive-keyring), from the mirror that apt uses here or from Debian's own. Is that reachable?`,
  )
}

/** The mirror of Debian that this machine's apt uses; empty for Debian's own, where it has another distribution's. */
async function mirror(): Promise<string> {
  const asked = ['indextargets', '--format', '$(LABEL) $(SITE)', 'Origin: Debian', 'Identifier: Packages']
  const { stdout } = await tryCommand('apt-get', asked, { timeoutMs: 120_000 })
  return /^Debian (\S+)$/m.exec(stdout)?.[1] ?? ''
}
