import { runCommand } from '../system/process/run-command.ts'
import type { Checkout } from './version.ts'

/** @throws where `root` is no checkout: without a commit there is nothing to be built again. */
export async function readCheckout(root: string): Promise<Checkout> {
  const [commit = '', committedAt = ''] = (await git(root, 'log', '-1', '--format=%H%n%ct')).split('\n')
  const tags = (await git(root, 'tag', '--points-at', 'HEAD')).split('\n').filter(Boolean)
  const changes = await git(root, 'status', '--porcelain')
  return { commit, committedAt: Number(committedAt), tags, dirty: changes !== '' }
}

/** One file of git's index. */
export interface Tracked {
  readonly path: string
  readonly executable: boolean
}

/** What git knows below `paths`. Others' files, such as an editor's, are not shipped. */
export async function trackedFiles(root: string, paths: readonly string[]): Promise<readonly Tracked[]> {
  const listed = await git(root, 'ls-files', '-z', '--stage', '--', ...paths)
  // MODE OBJECT STAGE<tab>PATH (git-ls-files(1)); a link has mode 120000, and is not shipped.
  return [...listed.matchAll(/(100644|100755) \S+ \d\t([^\0]+)\0/g)].map(([, mode, path = '']) => ({
    path,
    executable: mode === '100755',
  }))
}

async function git(root: string, ...args: readonly string[]): Promise<string> {
  return (await runCommand('git', ['-C', root, ...args], { timeoutMs: 60_000 })).stdout.trimEnd()
}
