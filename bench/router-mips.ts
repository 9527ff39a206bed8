import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { HEED, ASKS } from '../adapters/openwrt/events/heed-script.ts'
import { runCommand } from '../system/process/run-command.ts'

/**
 * What the shell that heeds a router costs as MIPS code: the very script of the adapter, by Debian's mipsel busybox and the
 * mipsel programs that its looks start, under qemu-user. `wg`, `nft` and `ip` start there and end at once, since qemu hands
 * on no such sockets (linux-user/syscall.c, do_socket). SSH is not in it.
 */
export interface MipsCost {
  readonly minuteMs: number
  readonly startMs: number
}

const QEMU = '/usr/bin/qemu-mipsel-static'
const PACKAGES = (
  'busybox libc6 libcrypt1 nftables libnftables1 libnftnl11 libmnl0 libjansson4 libxtables12 libgmp10 libedit2 libbsd0 ' +
  'libmd0 libtinfo6 wireguard-tools iproute2 libelf1 zlib1g libcap2 libbpf1 libdb5.3 libtirpc3 libselinux1 libpcre2-8-0'
).split(' ')
const APPLETS = ['ash', 'sh', 'md5sum', 'mkdir', 'rm', 'sleep', 'date', 'true']

/** An ELF file for little-endian MIPS (elf(5)), run by qemu from outside the root: F of the kernel's binfmt-misc.rst. */
const BINFMT =
  String.raw`:mipsel:M::\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x08\x00:` +
  String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:${QEMU}:F`

const PULSE_MS = 20_000
const MS_PER_TICK = 10
const STARTS = 50

/** @throws where Debian's archive or qemu-user-static is not in reach. */
export async function mipsCost(folder: string, minutes: number): Promise<MipsCost> {
  const root = join(folder, 'mips')
  await unpack(root, join(folder, 'mips-apt'))
  const starting = inRoot(root, `i=0; while [ $i -lt ${STARTS} ]; do busybox true; i=$((i + 1)); done; echo; read end`)
  const empty = inRoot(root, 'echo; read end')
  await Promise.all([once(starting.stdout, 'data'), once(empty.stdout, 'data')])
  const startMs = ((await msOf(starting)) - (await msOf(empty))) / STARTS
  await Promise.all([starting, empty].map(ended))

  const shell = inRoot(root, HEED)
  shell.stdout.resume()
  // The minute after a change is another one, and so is the beginning.
  shell.stdin.write(`${ASKS.look(['lo'], { hasRules: false })}\n`)
  await wait(90_000)
  const before = await msOf(shell)
  for (let minute = 0; minute < minutes; minute += 1) {
    shell.stdin.write(`${ASKS.look(['lo'], { hasRules: false })}\n`)
    for (let pulse = 0; pulse < 3; pulse += 1) {
      await wait(PULSE_MS)
      shell.stdin.write(`${ASKS.pulse}\n`)
    }
  }
  await wait(1_000)
  const minuteMs = ((await msOf(shell)) - before) / minutes
  await ended(shell)
  return { minuteMs, startMs }
}

function inRoot(root: string, script: string) {
  const begin = [
    'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc',
    `printf %s '${BINFMT}' > /proc/sys/fs/binfmt_misc/register`,
    'for i in proc sys dev; do mount --rbind /$i "$1/$i"; done',
    'exec chroot "$1" /bin/ash -c "$2"',
  ].join(' && ')
  // A user namespace has a binfmt_misc of its own (Linux 6.7): this machine runs no MIPS programs afterwards.
  const child = spawn('unshare', ['-Urmn', 'sh', '-c', begin, 'sh', root, script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  })
  return child
}

/** Its folder goes away afterwards. */
async function ended(shell: ReturnType<typeof inRoot>): Promise<void> {
  const gone = once(shell, 'exit')
  shell.stdin.end()
  await gone
}

/** CPU of a shell and of what it waited for (proc_pid_stat(5), fields 14 to 17). */
async function msOf({ pid }: { readonly pid?: number | undefined }): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * MS_PER_TICK
}

/** Debian's mipsel packages, by an apt that has folders of its own. */
async function unpack(root: string, apt: string): Promise<void> {
  await Promise.all(
    ['lists/partial', 'archives/partial', 'debs'].map((one) => mkdir(join(apt, one), { recursive: true })),
  )
  await Promise.all([copyFile('/var/lib/dpkg/status', join(apt, 'status')), readFile(QEMU)])
  await writeFile(
    join(apt, 'apt.conf'),
    `Dir::State "${apt}"; Dir::State::status "${join(apt, 'status')}"; Dir::Cache "${apt}"; ` +
      'APT::Architecture "mipsel"; APT::Architectures {"mipsel";}; APT::Sandbox::User "root";\n',
  )
  const fetch =
    'cd "$1/debs" && export APT_CONFIG="$1/apt.conf" && apt-get -q update && shift && apt-get -q download "$@"'
  await runCommand('sh', ['-c', fetch, 'sh', apt, ...PACKAGES], { timeoutMs: 300_000 })
  await mkdir(root, { recursive: true })
  for (const name of await readdir(join(apt, 'debs')))
    await runCommand('dpkg-deb', ['-x', join(apt, 'debs', name), root], { timeoutMs: 60_000 })
  for (const one of ['proc', 'sys', 'dev', 'tmp', 'var/run/homeward', 'etc/config', 'etc/nftables.d'])
    await mkdir(join(root, one), { recursive: true })
  for (const applet of APPLETS) {
    await rm(join(root, 'bin', applet), { force: true })
    await symlink('busybox', join(root, 'bin', applet))
  }
  await writeFile(join(root, 'bin/ubus'), '#!/bin/sh\nexec sleep 3600\n', { mode: 0o755 })
  for (const file of ['config/network', 'config/firewall', 'nftables.d/homeward-hw0-bench.inc'])
    await appendFile(join(root, 'etc', file), `${'#'.repeat(4_000)}\n`)
}
