import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Step } from '../../../adapters/step.ts'
import { planOpenwrt } from '../../../adapters/openwrt/plan.ts'
import { newKeyPair } from '../../../adapters/openwrt/ssh/key-pair.ts'
import type { Release } from '../../fake/openwrt/dialects.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab } from '../../lab/lab.ts'
import { type LabOpenwrt, labOpenwrt, type OpenwrtPlan } from '../../lab/places/openwrt.ts'
import type { Capabilities, Machine } from '../machine.ts'
import { type DriverProcess, openDrivers } from '../driver.ts'
import type { OpenwrtDriverOptions } from './openwrt-driver.ts'
import { OPENWRT_DRIFT_NAMES, openwrtDrifts } from './openwrt-drifts.ts'
import { makeKeys } from '../specs.ts'

export const OPENWRT: Capabilities = {
  roles: ['home'],
  answersVisitors: true,
  leadsOutgoing: false,
  keysMadeThere: false,
  undoesFailures: true,
  tellsCommands: true,
  drifts: OPENWRT_DRIFT_NAMES,
  // It takes about a second, of which the change itself is the second half.
  killedAfterMs: [50, 200, 350, 450, 550, 650, 800],
}

export interface OpenwrtMachine extends Machine {
  readonly router: LabOpenwrt
  /** In whose namespaces it runs. */
  readonly host: Host
  /** On which the adapter runs. */
  readonly pi: Host
  readonly export: () => Promise<string>
}

const ROUTER = '192.168.1.1'

/** What fails a step. Steps that are gathered fail together, when they are made so. */
const COMMAND_OF: Partial<Record<Step['kind'], string>> = {
  'activate-changes': '^ubus call network reload',
}

/** An OpenWrt router with somebody's things on it, and the adapter in processes on a Pi in its LAN. */
export async function startOpenwrtMachine(
  release: Release,
  { rollbackSeconds = 60, ...plan }: OpenwrtPlan & { readonly rollbackSeconds?: number } = {},
): Promise<OpenwrtMachine> {
  const lab = await createLab()
  try {
    const login = await newKeyPair('ed25519', 'homeward')
    const router = await labOpenwrt(lab, { release, setupMs: 100, authorizedKeys: [login.public], ...plan })
    const [host, pi, neighbour] = (await lab.addHosts([
      { name: 'router', boot: () => router.boot(STATE) },
      { name: 'pi' },
      { name: 'neighbour' },
    ])) as [Host, Host, Host]
    await lab.connect([
      [
        { host, interface: 'lan0', addresses: [`${ROUTER}/24`] },
        { host: pi, interface: 'eth0', addresses: ['192.168.1.2/24'] },
      ],
      [
        { host, interface: 'wan0', addresses: ['198.51.100.2/24'], routes: ['default via 198.51.100.1'] },
        { host: neighbour, interface: 'eth0', addresses: ['198.51.100.1/24'] },
      ],
    ])
    await router.service(host, STATE)
    const keys = makeKeys()
    const file = async (name: string, text: string): Promise<string> => {
      const path = join(pi.disk.configDir, name)
      await writeFile(path, text, { mode: 0o600 })
      return path
    }
    const options: OpenwrtDriverOptions = {
      host: ROUTER,
      port: 22,
      user: 'root',
      hostKey: { type: 'ssh-ed25519', sha256: router.hostKey },
      rollbackSeconds,
    }
    const files = [
      await file('options.json', JSON.stringify(options)),
      await file('login.key', login.private),
      await file('private.key', `${keys.privateKey}\n`),
    ]
    const driver = await bundleFor(lab.folder, new URL('./openwrt-driver.ts', import.meta.url))

    function start(): DriverProcess {
      const running = pi.start(process.execPath, [driver, ...files])
      return {
        write: (line) => running.write(line),
        waitForLine: (pattern, waiting) => running.waitForLine(pattern, waiting),
        stop: () => running.stop(),
        kill: async () => {
          await running.kill('SIGKILL')
          await running.exited
        },
      }
    }
    const { open } = openDrivers(start, (observed, desired) =>
      planOpenwrt(observed, desired, { host: ROUTER, rollbackSeconds }),
    )

    return {
      router,
      host,
      pi,
      keys,
      open,
      export: router.export,
      foreign: async () =>
        sectionsIn(await router.export())
          .filter((section) => !isOurs(section))
          .join('\n'),
      leftovers: async () => [
        ...sectionsIn(await router.export()).filter(isOurs),
        ...linesOf(await router.console('ip -o link show | grep -o "hw[a-z0-9]*:" || true')),
        ...linesOf(await router.console('ls -A /etc/nftables.d 2>/dev/null | grep homeward || true')),
        ...linesOf(await router.console('nft list chains | grep homeward || true')),
        ...linesOf((await host.shell('ip rule show; ip route show table all')).stdout).filter((line) =>
          /fwmark|hw[a-z0-9]|table 1[89]\d /.test(line),
        ),
        ...linesOf(await router.console('ls /var/run/homeward 2>/dev/null | grep -v "^lock$" || true')),
        ...linesOf(await router.console('ls -A /etc/config /etc/dropbear | grep homeward || true')),
      ],
      takeInterface: async (name) => {
        const made = `uci set network.${name}=interface; uci set network.${name}.proto=static; uci set network.${name}.device=lan0`
        await router.console(`${made}; uci commit network`)
        return async () => void (await router.console(`uci delete network.${name}; uci commit network`))
      },
      breakStep: (kind) => {
        const pattern = COMMAND_OF[kind]
        if (pattern === undefined) return null
        return async () => {
          await router.refuse(pattern)
          return () => router.refuse(null)
        }
      },
      commandLines: router.commands,
      drifts: openwrtDrifts(router.console),
      close: () => lab.close(),
    }
  } catch (thrown) {
    await lab.close()
    throw thrown
  }
}

const STATE = {
  nat: 'masquerade',
  wanAddress: '198.51.100.2',
  wanGateway: '198.51.100.1',
  lanAddress: ROUTER,
} as const

export function sectionsIn(exported: string): readonly string[] {
  return exported.split(/\n(?=config |package )/).map((chunk) => chunk.trim())
}

export function isOurs(section: string): boolean {
  return /^config interface 'hw|^config \w+ 'homeward_|^config wireguard_hw/.test(section)
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}
