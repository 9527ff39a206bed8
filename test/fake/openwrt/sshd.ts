import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'
import { sleep } from '../../../system/time/sleep.ts'

export interface SshdPlan {
  readonly root: string
  /** Of ssh-keygen's names. */
  readonly hostKeys: readonly ('ed25519' | 'rsa')[]
}

/** Debian's dropbear over a small root. */
export interface Sshd {
  /** The processes of its sessions, one each. */
  readonly sessions: () => readonly number[]
  /** Of its host keys, SHA-256 by type, as ssh-keygen prints it without `SHA256:`. */
  readonly fingerprints: () => Promise<Readonly<Record<string, string>>>
}

export async function startSshd({ root, hostKeys }: SshdPlan): Promise<Sshd> {
  await mkdir(join(root, 'etc/dropbear'), { recursive: true })
  const keys: string[] = []
  for (const type of hostKeys) {
    const file = `/etc/dropbear/dropbear_${type}_host_key`
    keys.push('-r', file)
    if (!existsSync(join(root, file))) await runCommand('dropbearkey', ['-t', type, '-f', join(root, file)])
  }
  // -F: in the foreground; -E: says to standard error what it does.
  const child = spawn('chroot', [root, '/usr/sbin/dropbear', '-F', '-E', '-p', '22', ...keys], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  })
  child.stderr?.on('data', () => undefined)
  for (let tries = 0; tries < 100; tries += 1) {
    const { stdout } = await tryCommand('ss', ['-Hltn', 'sport', '=', ':22'])
    if (stdout !== '') break
    await sleep(50)
  }

  return {
    sessions: () => childrenOf(child.pid ?? 0),
    fingerprints: async () =>
      Object.fromEntries(
        await Promise.all(hostKeys.map(async (type) => [type, await fingerprintOf(root, type)] as const)),
      ),
  }
}

/** proc(5), /proc/PID/task/TID/children; none when it is gone. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

async function fingerprintOf(root: string, type: string): Promise<string> {
  const file = join(root, `etc/dropbear/dropbear_${type}_host_key`)
  const { stdout } = await runCommand('dropbearkey', ['-y', '-f', file])
  const key = / ([A-Za-z0-9+/=]{60,})/.exec(stdout)?.[1] ?? ''
  return createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '')
}
