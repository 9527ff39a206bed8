import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../../problems/problem.ts'
import { writeFailure } from '../../problems/write-failure.ts'
import { type LocalServer, serveLocal } from '../../system/sockets/local-socket.ts'
import { sleep } from '../../system/time/sleep.ts'

/** How long the lock is waited for: an apply takes a second or two. */
const LONGEST_WAIT_MS = 30_000

/**
 * Allows one change of this machine at a time, whoever makes it: agent, join, apply or leave. The lock is a socket, so
 * that it dies with its holder, however that ends.
 * @throws {Problem} `already-running` when somebody else changes the machine for too long.
 */
export async function withChangeLock<Result>(
  runtimeDir: string,
  signal: AbortSignal,
  change: () => Promise<Result>,
): Promise<Result> {
  const lock = await acquire(join(runtimeDir, 'change.sock'), signal)
  try {
    return await change()
  } finally {
    await lock.close()
  }
}

/** Makes the folder so that plain users may look in: `status` is for everybody. @throws {Problem} `write-failed`. */
export async function makeRuntimeFolder(runtimeDir: string): Promise<void> {
  try {
    await mkdir(runtimeDir, { recursive: true, mode: 0o755 })
  } catch (thrown) {
    throw writeFailure(`making the folder ${runtimeDir}`, runtimeDir, thrown)
  }
}

async function acquire(path: string, signal: AbortSignal): Promise<LocalServer> {
  for (let waitedMs = 0; ; waitedMs += 200) {
    try {
      // Anybody may connect, which holds nothing: a socket left by root must not lock out the service's own user.
      return await serveLocal(path, 0o666, async () => null)
    } catch (thrown) {
      const isHeld = thrown instanceof Problem && thrown.code === 'already-running'
      if (!isHeld || waitedMs >= LONGEST_WAIT_MS || signal.aborted) throw thrown
      await sleep(200, signal)
    }
  }
}
