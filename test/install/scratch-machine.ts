import { mkdtemp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../system/time/sleep.ts'
import type { Host, RunOptions, RunResult } from '../lab/host/host.ts'
import type { Lab } from '../lab/lab.ts'

/** A copy of this machine, or of another Debian, on a host of the laboratory, to install things on: what is written there is gone with it. */
export interface ScratchMachine {
  /** A shell script on it, ended by its first failing command. */
  shell(script: string, options?: Omit<RunOptions, 'input'>): Promise<RunResult>
  /** The words that run a command on it, for whoever starts it on the host by himself. */
  inside(command: readonly string[]): readonly string[]
  /** Puts files and folders of this machine, wherever they are, into a folder of it. */
  copyIn(paths: readonly string[], folder: string): Promise<void>
  /** The files that were written on it, each with its time, folders of memory such as /tmp and /run apart. */
  written(): Promise<readonly string[]>
  /** How many MB more its disk holds; null: as many as this machine's memory allows. */
  leaveRoom(megabytes: number | null): Promise<void>
  /**
   * Power off and on: processes are killed as they are, and it boots from its disk. The host's network stays; `off` acts on it
   * meanwhile. @param disk read-only until somebody remounts it.
   */
  powerCut(off?: () => Promise<void>, disk?: 'rw' | 'ro'): Promise<void>
  /** Its process 1, by the number that it has for this process. */
  firstProcess(): Promise<number>
  end(): Promise<void>
}

const BOOT = fileURLToPath(new URL('boot.sh', import.meta.url))
const READY_MS = 90_000

/** Boots one in the network of `host`. @param root the folder of the system that is copied; this machine's by default. */
export async function bootScratchMachine(
  lab: Lab,
  host: Host,
  processOne: 'systemd' | 'packages' | 'whole' | 'none',
  root = '/',
): Promise<ScratchMachine> {
  const folder = await mkdtemp(join(lab.folder, 'scratch-'))
  const inside: ScratchMachine['inside'] = (command) => [
    'sh',
    '-ec',
    // As the host sees it: the first process of the scratch machine is the only child of the one that booted it.
    `parent=$(cat ${folder}/parent)
unset HOMEWARD_CONFIG_DIR HOMEWARD_STATE_DIR HOMEWARD_RUNTIME_DIR
exec nsenter --target $(cat /proc/$parent/task/$parent/children) --mount --pid --ipc --uts --cgroup "$@"`,
    'sh',
    ...command,
  ]

  const shell: ScratchMachine['shell'] = (script, options) => {
    const [program = '', ...args] = inside(['sh', '-e'])
    return host.run(program, args, { ...options, input: script })
  }

  async function copyIn(paths: readonly string[], to: string): Promise<void> {
    await host.run('mkdir', ['-p', `${folder}/root${to}`])
    await host.run('cp', ['-R', ...paths, `${folder}/root${to}`])
  }

  async function written(): Promise<readonly string[]> {
    const { stdout } = await host.run('find', [`${folder}/upper`, '-type', 'f', '-printf', '/%P %T@\\n'])
    return stdout.split('\n').filter((line) => line !== '')
  }

  async function leaveRoom(megabytes: number | null): Promise<void> {
    const { stdout } = await host.run('df', ['--block-size=1', '--output=used', folder])
    const size = megabytes === null ? '50%' : String(Number(stdout.split('\n')[1]) + megabytes * 1024 * 1024)
    await host.run('mount', ['-o', `remount,size=${size}`, folder])
  }

  const end = async () => void (await host.run('sh', [BOOT, 'end', folder], { timeoutMs: 90_000 }))

  async function boot(how: readonly string[]): Promise<void> {
    const booted = host.start('sh', [BOOT, ...how])
    let died: string | undefined
    void booted.exited.then(() => (died = booted.stderr))
    for (const until = Date.now() + READY_MS; ; await sleep(200)) {
      if ((await shell('test -e /run/ready', { allowFailure: true })).exitCode === 0) return
      if (died !== undefined || Date.now() > until)
        throw new Error(`booting a scratch machine failed: ${died ?? 'late'}`)
    }
  }

  async function powerCut(off = async () => {}, disk: 'rw' | 'ro' = 'rw'): Promise<void> {
    await end()
    await off()
    await boot(['again', folder, processOne, disk])
  }

  async function firstProcess(): Promise<number> {
    // Numbers in cgroup.procs are those of the reader's namespace (cgroups(7)).
    const mounts = await readFile('/proc/self/mounts', 'utf8')
    const own = await readFile('/proc/self/cgroup', 'utf8')
    const path = join(
      /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? '',
      /^0::(.*)$/m.exec(own)?.[1] ?? '',
      `homeward-test-${basename(folder)}/init.scope/cgroup.procs`,
    )
    return Number((await readFile(path, 'utf8')).split('\n')[0])
  }

  await boot(['outer', folder, processOne, root])
  return { shell, inside, copyIn, written, leaveRoom, powerCut, firstProcess, end }
}
