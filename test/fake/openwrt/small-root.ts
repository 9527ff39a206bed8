import { chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'
import { APPLETS } from './applets.ts'

/**
 * A root folder with what an OpenWrt image has in it, as far as anybody asks: links to busybox for the applets that OpenWrt
 * builds in, Debian's dropbear, real wg, nft and conntrack, and in place of OpenWrt's own programs a script that asks the
 * simulator. The shell is dash, which ash was made from: some builds of busybox (FEATURE_SH_STANDALONE: Debian's static one)
 * have a shell that runs all of their own applets, whatever stands in the path.
 */
export interface SmallRootPlan {
  readonly root: string
  readonly packageManager: 'opkg' | 'apk'
  /** null: as much as the machine has. */
  readonly flashKib: number | null
  readonly hasWireguard: boolean
  readonly hasConntrack: boolean
  /** Lines of authorized_keys. */
  readonly authorizedKeys: readonly string[]
  /** null: none is set, as in a fresh image. */
  readonly passwordHash: string | null
}

const STAND_INS = ['uci', 'ubus', 'ifup', 'ifdown', 'fw4', 'modprobe']
/** Where the script and the simulator meet. */
export const MEETING = '/tmp/.stand-in'
export const MEETING_PORT = 7
const LOGIN_SHELL = '/bin/login-ash'

/**
 * Asks the simulator, and says what it says. Its standard input goes along where the program reads that. It runs thousands of
 * times in a test and starts one program by itself, since each costs milliseconds: what the simulator says goes from nc
 * straight on, and all else is the shell's own.
 */
export const ASK = `#!/bin/ash
n=${MEETING}/$$
printf '%s\\0' "\${0##*/}" "$@" > $n.args
for word in "$@"; do [ "$word" != batch ] || cat > $n.in; done
if [ "$1" = listen ]; then
nc 127.0.0.1 ${MEETING_PORT} <<END &
$$
END
trap "kill $!; exit 143" HUP INT TERM
wait
exit 255
fi
nc 127.0.0.1 ${MEETING_PORT} <<END
$$
END
read -r code < $n.code || exit 1
[ ! -s $n.err ] || cat $n.err >&2
exit $code
`

/** Notes what is run, and misbehaves where it is told to. */
const SHELL = `#!/bin/ash
echo "$*" >> ${MEETING}/commands
how=
[ ! -e ${MEETING}/misbehave ] || read -r how < ${MEETING}/misbehave
case "$how" in
'') exec /bin/ash "$@" ;;
stall) exec sleep 3600 ;;
garbage) /bin/ash "$@" > ${MEETING}/said.$$; head -c 200 /dev/urandom; head -c 900 ${MEETING}/said.$$; rm ${MEETING}/said.$$; exit 0 ;;
truncate) /bin/ash "$@" | head -c 700; exit 0 ;;
fail) echo 'sh: out of memory' >&2; exit 2 ;;
esac
`

function noting(name: string): string {
  return `#!/bin/ash\necho "${name} $*" >> ${MEETING}/commands\nexec /usr/libexec/${name} "$@"\n`
}

/** Makes it, where it is not made yet, and mounts what a program needs. Run in the router's own mount namespace. */
export async function prepareRoot(plan: SmallRootPlan): Promise<void> {
  const { root } = plan
  const at = (path: string): string => join(root, path)
  if (plan.flashKib !== null) await mountFlash(at, plan.flashKib)
  for (const folder of [
    'bin',
    'sbin',
    'dev',
    'etc/config',
    'etc/dropbear',
    'lib/netifd/proto',
    'overlay',
    'proc',
    'root',
    'sys',
    'usr/bin',
    'usr/sbin',
    'usr/libexec',
  ])
    await mkdir(at(folder), { recursive: true })
  await rm(at('tmp'), { recursive: true, force: true })
  for (const folder of ['tmp/run/wireguard', 'tmp/lock', 'tmp/wireguard', 'tmp/log', MEETING])
    await mkdir(at(folder), { recursive: true, mode: folder.startsWith('tmp/w') ? 0o700 : 0o755 })
  await link('tmp', at('var'))
  await program(plan, 'dash', 'bin/ash')
  await link('ash', at('bin/sh'))
  await program(plan, 'busybox', 'bin/busybox')
  for (const applet of APPLETS) await link('busybox', at(`bin/${applet}`))
  // Not the one that waits for all disks of this machine.
  await script(at('bin/sync'), '#!/bin/ash\n')
  for (const name of [...STAND_INS, plan.packageManager]) await script(at(`sbin/${name}`), ASK)
  await script(at(LOGIN_SHELL), SHELL)
  await program(plan, 'flock', 'usr/bin/flock')
  await program(plan, 'dropbear', 'usr/sbin/dropbear')
  await program(plan, 'wg', 'usr/libexec/wg')
  await program(plan, 'nft', 'usr/libexec/nft')
  await script(at('usr/sbin/nft'), noting('nft'))
  if (plan.hasConntrack) {
    await program(plan, 'conntrack', 'usr/libexec/conntrack')
    await script(at('usr/sbin/conntrack'), noting('conntrack'))
  }
  if (plan.hasWireguard) await installWireguard(root)
  await writeFile(at('etc/passwd'), `root:x:0:0:root:/root:${LOGIN_SHELL}\n`)
  await writeFile(at('etc/group'), 'root:x:0:\n')
  await writeFile(at('etc/shadow'), `root:${plan.passwordHash ?? ''}:19000:0:99999:7:::\n`, { mode: 0o600 })
  await writeFile(at('etc/shells'), `/bin/ash\n${LOGIN_SHELL}\n`)
  await chmod(at('etc/dropbear'), 0o700)
  await chmod(at('root'), 0o700)
  // Debian's dropbear looks there, OpenWrt's in /etc/dropbear.
  await link('/etc/dropbear', at('root/.ssh'))
  if (plan.authorizedKeys.length > 0)
    await writeFile(at('etc/dropbear/authorized_keys'), `${plan.authorizedKeys.join('\n')}\n`, { mode: 0o600 })
  for (const [from, to] of [
    ['/proc', 'proc'],
    ['/sys', 'sys'],
    ['/dev', 'dev'],
    ['/run/wireguard', 'tmp/run/wireguard'],
  ] as const)
    await runCommand('mount', ['--rbind', from, at(to)])
}

/** As on a router: what is written to /etc goes to a small file system, which is full at some time. */
async function mountFlash(at: (path: string) => string, kib: number): Promise<void> {
  await mkdir(at('overlay'), { recursive: true })
  await mkdir(at('etc'), { recursive: true })
  await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', at('overlay')])
  await mkdir(at('overlay/etc'))
  await runCommand('mount', ['--bind', at('overlay/etc'), at('etc')])
}

/** What the package brings. */
export async function installWireguard(root: string): Promise<void> {
  await script(join(root, 'usr/bin/wg'), noting('wg'))
  await writeFile(join(root, 'lib/netifd/proto/wireguard.sh'), '# the simulator does it\n', { mode: 0o755 })
}

async function program({ root }: SmallRootPlan, name: string, to: string): Promise<void> {
  const from = await pathOf(name)
  await copyFile(from, join(root, to))
  await copyLibraries(from, root)
}

async function pathOf(name: string): Promise<string> {
  return (await runCommand('sh', ['-c', `command -v ${name}`])).stdout.trim()
}

/** Those that it is linked with, to the same places; none for a static one. */
async function copyLibraries(from: string, root: string): Promise<void> {
  const { stdout } = await tryCommand('ldd', [from])
  for (const [, path = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await copyFile(path, join(root, path))
  }
}

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o755 })
}

async function link(target: string, path: string): Promise<void> {
  await rm(path, { force: true })
  await symlink(target, path)
}

/** As /etc/shadow has it (crypt(5), sha512crypt). */
export async function passwordHash(password: string): Promise<string> {
  return (await runCommand('openssl', ['passwd', '-6', '-stdin'], { input: `${password}\n` })).stdout.trim()
}
