import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** How long to wait for the lock. Whoever may read the folder may hold it for ever: then the act runs without it. */
const WAIT_SECONDS = 5

/**
 * Lets one process at a time act in a folder. The lock is flock(2)'s, which the kernel releases however the holder was
 * killed; Node has no call for it, so flock(1) of util-linux holds it while its input is open.
 */
export async function withFolderLock<Result>(folder: string, act: () => Promise<Result>): Promise<Result> {
  const args = ['--exclusive', '--wait', String(WAIT_SECONDS), folder, 'sh', '-c', 'echo held; exec cat >/dev/null']
  const holder = spawn('flock', args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(holder, 'close').catch(() => undefined)
  await Promise.race([once(holder.stdout, 'data'), ended])
  try {
    return await act()
  } finally {
    holder.stdin.on('error', () => undefined)
    holder.stdin.end()
    await ended
  }
}
