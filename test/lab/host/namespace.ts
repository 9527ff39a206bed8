import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Disk } from './disk.ts'
import { SEARCH_PATH } from './tools.ts'
import { MOVE_IN, movingArguments } from '../user-land/user-land.ts'

/** Network, mount, process and host-name namespaces of one host, alive as long as its holder is. */
export interface Namespace {
  /** The first process inside, as the outside numbers it. */
  readonly pid: number
  /** Power off: everything inside dies, its interfaces go. */
  end(): Promise<void>
}

const UNSHARE = ['--net', '--mount', '--pid', '--uts', '--fork', '--mount-proc', '--kill-child']
const READY_MS = 60_000
const END_MS = 30_000

/**
 * unshare(1) has made all mounts private. The holder ends in `cat` on a pipe from us. When we end, by whatever signal, the
 * pipe closes, `cat` ends, and the kernel takes every process inside with it: a process namespace does not outlive its
 * first process (pid_namespaces(7)). With SIGCHLD ignored it reaps the daemons that die under it unasked (wait(2), NOTES); env(1) ignores it, since dash catches it whatever its trap says.
 */
const HOLDER = `
set -e
${MOVE_IN}
hosts=$1 name=$2
shift 2
[ $# -eq 0 ] || move_in "$@"
mount -t sysfs sysfs /sys 2>/dev/null || true
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/wireguard /run/homeward /run/lock
resolver=/etc/resolv.conf
[ ! -L "$resolver" ] || resolver=$(readlink -m "$resolver")
case "$resolver" in /run/*) mkdir -p "\${resolver%/*}"; : > "$resolver";; esac
mount --bind "$hosts/hosts" /etc/hosts
[ ! -e "$resolver" ] || mount --bind "$hosts/resolv.conf" "$resolver"
echo "$name" > /proc/sys/kernel/hostname
cd /proc/sys/net/ipv4
echo 0 > ip_forward
for scope in all default; do echo 0 > conf/$scope/rp_filter; echo 1 > conf/$scope/promote_secondaries; done
cd /proc/sys/net
for scope in all default; do [ ! -e ipv6/conf/$scope ] || echo 1 > ipv6/conf/$scope/disable_ipv6; done
cd /
ip link set lo up
echo ready
exec env --ignore-signal=CHLD cat
`

/** @param disk its `etc` lies over the machine's. @param labFolder is there on every host. */
export async function openNamespace(hostName: string, disk: Disk, labFolder: string): Promise<Namespace> {
  const moving = movingArguments(labFolder, join(disk.path, 'root'))
  const holder = spawn(
    'unshare',
    [...UNSHARE, 'sh', '-c', HOLDER, 'holder', disk.etc, hostName, ...moving],
    // Its own process group: Ctrl-C is for whoever runs the laboratory, who then closes it in order.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { PATH: SEARCH_PATH, LC_ALL: 'C' } },
  )
  const exited = once(holder, 'exit')
  // Whoever waits for `exited` hears of it; a holder nobody waits for yet must not bring the process down.
  exited.catch(() => undefined)
  holder.stdin.on('error', () => undefined)
  await ready(holder, hostName)
  const pid = await onlyChild(holder.pid ?? 0)

  let ended: Promise<void> | undefined
  return { pid, end: () => (ended ??= endHolder(holder, exited, hostName)) }
}

async function ready(holder: ChildProcess, hostName: string): Promise<void> {
  let said = ''
  holder.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      holder.kill('SIGKILL')
      reject(new Error(`opening the namespaces of ${hostName} failed: ${why}. Run it as root, outside a container.`))
    }
    const late = setTimeout(() => fail(`not ready within ${READY_MS / 1000} s`), READY_MS)
    const settle = (done: () => void) => {
      clearTimeout(late)
      done()
    }
    createInterface({ input: holder.stdout as NodeJS.ReadableStream }).once('line', () => settle(resolve))
    holder.once('error', (error) => settle(() => fail(error.message)))
    holder.once('exit', () => settle(() => fail(said.trim() === '' ? 'the holder ended' : said.trim())))
  })
}

async function onlyChild(parent: number): Promise<number> {
  const [child] = await childrenOf(parent)
  if (child === undefined) throw new Error(`process ${parent} has no child: the holder of a namespace has just died`)
  return child
}

/** The children of a process (proc(5), /proc/PID/task/TID/children); none when it is gone. */
export async function childrenOf(parent: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '')
  return text.trim() === '' ? [] : text.trim().split(' ').map(Number)
}

async function endHolder(holder: ChildProcess, exited: Promise<unknown>, hostName: string): Promise<void> {
  holder.stdin?.end()
  if (holder.exitCode !== null || holder.signalCode !== null) return
  const late = setTimeout(() => holder.kill('SIGKILL'), END_MS)
  const never = setTimeout(() => holder.emit('error', new Error(`${hostName} does not die`)), 2 * END_MS)
  await exited.finally(() => {
    clearTimeout(late)
    clearTimeout(never)
  })
}
