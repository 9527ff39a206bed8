import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Step } from '../../../adapters/step.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab } from '../../lab/lab.ts'
import { SEARCH_PATH } from '../../lab/host/tools.ts'
import type { Machine, OpenAdapter } from '../machine.ts'
import { FOREIGN, foreignThings } from './linux-foreign.ts'
import { bundleDriver, openLinuxAdapter, openLinuxAdapters } from './linux-process.ts'
import { linuxDrifts } from './linux-drifts.ts'
import { type Keys, makeKeys } from '../specs.ts'

export interface LinuxMachine extends Machine {
  readonly host: Host
  readonly open: (how?: OpenOptions) => Promise<OpenAdapter>
  readonly driver: string
  readonly privateKeyFile: string
  readonly presharedKeysFile: string
}

interface OpenOptions {
  /** What starts the process: a command that drops rights, for example. */
  readonly wrapper?: readonly string[]
  /** The search path; without it every command is noted on the way. */
  readonly path?: string
  /** Another place where the three files lie, under the same names. */
  readonly folder?: string
}

/** What fails a step, as an extended regular expression over the command line. */
const COMMAND_OF: Partial<Record<Step['kind'], string>> = {
  'create-interface': '^(wireguard-go hw0|ip link add dev hw0)',
  'set-private-key': '^wg set hw0 private-key',
  'add-address': '^ip address add',
  'set-firewall': '^nft -f',
  'set-peers': '^wg addconf',
  'bring-up': '^ip link set dev hw0 up',
}

/**
 * A host of a laboratory with things of somebody else's on it, and the adapter in processes inside.
 * @param commands whether each is noted, and can be made to fail, which is another program's start for each of them.
 */
export async function startLinuxMachine(commands: 'noted' | 'as-they-are' = 'noted'): Promise<LinuxMachine> {
  const keys: Keys = makeKeys()
  const lab = await createLab()
  try {
    const [host, neighbour] = await lab.addHosts([{ name: 'machine' }, { name: 'neighbour' }])
    if (host === undefined || neighbour === undefined) throw new Error('the laboratory made no hosts')
    await lab.connect([
      [
        { host, interface: 'eth0', addresses: ['198.51.100.2/24'], routes: ['default via 198.51.100.1'] },
        { host: neighbour, interface: 'eth0', addresses: ['198.51.100.1/24'] },
      ],
    ])
    await host.shell(FOREIGN)
    const driver = await bundleDriver(lab.folder)
    const privateKeyFile = join(host.disk.configDir, 'private.key')
    const presharedKeysFile = join(host.disk.configDir, 'preshared.json')
    await writeFile(privateKeyFile, `${keys.privateKey}\n`, { mode: 0o600 })
    await writeFile(presharedKeysFile, JSON.stringify(Object.fromEntries(keys.presharedKeys)), { mode: 0o600 })
    const watched = await watchCommands(host, commands === 'noted' ? ['ip', 'wg', 'nft', 'wireguard-go'] : [])
    const usual = { driver, privateKeyFile, presharedKeysFile, env: { PATH: `${watched.folder}:${SEARCH_PATH}` } }
    const drivers = openLinuxAdapters(host, usual)
    return {
      keys,
      host,
      driver,
      privateKeyFile,
      presharedKeysFile,
      open: (how) => {
        if (how === undefined) return drivers.open()
        const { wrapper = [], path = usual.env.PATH, folder } = how
        const at = (file: string): string => (folder === undefined ? file : join(folder, basename(file)))
        const [bundle, privateKey, preshared] = [at(driver), at(privateKeyFile), at(presharedKeysFile)]
        const files = { driver: bundle, privateKeyFile: privateKey, presharedKeysFile: preshared }
        return openLinuxAdapter(host, { ...files, env: { PATH: path }, wrapper })
      },
      foreign: (interfaceName) => foreignThings(host, interfaceName),
      leftovers: () => leftoversOn(host),
      takeInterface: (name) => takeInterface(host, name),
      breakStep: (kind) => {
        const pattern = COMMAND_OF[kind]
        if (kind === 'enable-forwarding') return () => makeSettingsReadOnly(host)
        return pattern === undefined ? null : () => watched.failOn(pattern)
      },
      commandLines: () => readFile(watched.log, 'utf8'),
      drifts: linuxDrifts(host),
      close: () => lab.close(),
    }
  } catch (thrown) {
    await lab.close()
    throw thrown
  }
}

interface Watched {
  readonly folder: string
  readonly log: string
  readonly failOn: (pattern: string) => Promise<() => Promise<void>>
}

/** Puts programs of the same names before the real ones: they note how they were called, and fail when told to. */
async function watchCommands(host: Host, names: readonly string[]): Promise<Watched> {
  const folder = join(host.disk.path, 'bin')
  const log = join(host.disk.path, 'commands.log')
  const broken = join(host.disk.path, 'broken')
  await mkdir(folder)
  await writeFile(log, '')
  for (const name of names) {
    const real = (await host.run('sh', ['-c', `command -v ${name}`])).stdout.trim()
    const script = `#!/bin/sh
printf '%s\\n' "${name} $*" >> '${log}'
if [ -e '${broken}' ] && printf '%s\\n' "${name} $*" | grep -qEf '${broken}'; then
  echo 'broken on purpose' >&2
  exit 1
fi
exec ${real} "$@"
`
    await writeFile(join(folder, name), script, { mode: 0o755 })
  }
  return {
    folder,
    log,
    failOn: async (pattern) => {
      await writeFile(broken, `${pattern}\n`)
      return () => rm(broken)
    },
  }
}

async function makeSettingsReadOnly(host: Host): Promise<() => Promise<void>> {
  await host.shell('mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys')
  return async () => void (await host.run('umount', ['/proc/sys']))
}

async function leftoversOn(host: Host): Promise<readonly string[]> {
  const { stdout } = await host.shell(`
    ip -o link show | grep -E 'alias homeward|hwprobe' || true
    ip route show table all proto 86 | grep -v 'dev eth0' || true
    ip rule | grep 'proto 86' || true
    nft list tables | grep -x 'table inet homeward' || true
    ls /run/wireguard | grep -vx 'wg9.sock' || true
    grep -x 1 /proc/sys/net/ipv4/ip_forward || true
    ps -e -o args= | grep -E '^(wireguard-go hw|/usr/bin/wireguard-go hw)' || true
  `)
  return stdout.split('\n').filter((line) => line !== '')
}

async function takeInterface(host: Host, name: string): Promise<() => Promise<void>> {
  await host.shell(`ip link add ${name} type veth peer name taken; ip address add 192.0.2.9/32 dev ${name}`)
  return async () => void (await host.run('ip', ['link', 'del', name]))
}
