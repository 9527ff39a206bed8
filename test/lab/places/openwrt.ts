import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Release } from '../../fake/openwrt/dialects.ts'
import type { PowerCut } from '../../fake/openwrt/power.ts'
import type { LabRouterPlan, Misbehaviour } from '../../fake/openwrt/openwrt-router.ts'
import type { UbusOddities } from '../../fake/openwrt/ubus-events.ts'
import { askedProgram } from '../host/asked-program.ts'
import { bundleFor } from '../host/bundle.ts'
import type { RouterState, RouterSystem } from './home-router.ts'
import type { Home } from './home.ts'
import type { Host } from '../host/host.ts'
import type { Lab } from '../lab.ts'

/** A home router that runs OpenWrt: real dropbear over a small root in the router's namespace, real WireGuard and NAT under it. */
export interface LabOpenwrt extends RouterSystem {
  readonly password: string
  /** Of its SSH host key, SHA-256 in base64 without padding. */
  readonly hostKey: string
  /** As its owner at its console. @throws with what a command said. */
  readonly console: (script: string) => Promise<string>
  readonly export: () => Promise<string>
  readonly sessions: () => Promise<number>
  /** CPU that its sessions took so far, with all that they started, in ticks of the clock. */
  readonly sessionTicks: () => Promise<number>
  /** All command lines, and the scripts that came by SSH. */
  readonly commands: () => Promise<string>
  /** All sessions end, without a word. */
  readonly cut: () => Promise<void>
  readonly misbehave: (how: Misbehaviour | null) => Promise<void>
  /** OpenWrt's own programs fail where the command line matches; null: none does. */
  readonly refuse: (pattern: string | null) => Promise<void>
  /** How `ubus listen` behaves; or its bus is started again. */
  readonly ubus: (how: UbusOddities | 'restart') => Promise<void>
  /** The bus tells so often that an interface went, and came. */
  readonly event: (name: string, times: number) => Promise<void>
  /** How often WireGuard was asked, which each look does once. */
  readonly looks: () => Promise<number>
  /** Its power goes in the midst of what is done to it, and comes back at once. */
  readonly cutPower: (cut: PowerCut) => Promise<void>
  /** Its owner runs a script in the midst of what is done to it, after so many programs. */
  readonly interject: (after: number, script: string) => Promise<void>
  /** How many programs ended since. */
  readonly counted: () => Promise<number>
  /** Waits for a power that went to be back. */
  readonly up: () => Promise<void>
}

export interface OpenwrtPlan
  extends Partial<
    Pick<
      LabRouterPlan,
      'hasWireguard' | 'hasConntrack' | 'feeds' | 'flashKib' | 'setupMs' | 'authorizedKeys' | 'hostKeys'
    >
  > {
  readonly release?: Release
  /** The owner's own: after the usual. */
  readonly network?: string
  readonly firewall?: string
}

const PASSWORD = 'only for the laboratory'

export async function labOpenwrt(lab: Lab, plan: OpenwrtPlan = {}): Promise<LabOpenwrt> {
  const { release = '24.10', network = '', firewall = '', ...rest } = plan
  const program = await bundleFor(lab.folder, new URL('../../fake/openwrt/openwrt-router.ts', import.meta.url))
  const { begin, ask } = askedProgram('the OpenWrt router')
  let hostKey = ''

  const leadOut = ({ wanGateway, lanAddress }: RouterState): Promise<void> =>
    ask({ verb: 'route', gateway: wanGateway, source: lanAddress })
  const console = (script: string): Promise<string> => ask({ verb: 'shell', script })

  return {
    password: PASSWORD,
    get hostKey() {
      return hostKey
    },
    boot: () => 'echo 1 > /proc/sys/net/ipv4/ip_forward',
    service: async (host: Host, state: RouterState) => {
      const planFile = join(host.disk.stateDir, 'router.json')
      const root = join(host.disk.stateDir, 'root')
      await mkdir(root, { recursive: true })
      const own: LabRouterPlan = {
        release,
        root,
        configs: {
          network: `${ownerNetwork(state)}\n${network}`,
          firewall: `${ownerFirewall(state)}\n${firewall}`,
          system: SYSTEM,
        },
        authorizedKeys: [],
        password: PASSWORD,
        hasWireguard: true,
        hasConntrack: true,
        feeds: 'ok',
        flashKib: null,
        setupMs: 1_000,
        hostKeys: ['ed25519', 'rsa'],
        ...rest,
      }
      await writeFile(planFile, JSON.stringify(own))
      const answer = (await begin(host.start(process.execPath, [program, planFile]))) as Record<string, string>
      hostKey = answer['ed25519'] ?? answer['rsa'] ?? ''
      await leadOut(state)
    },
    readdress: async (state) => {
      if (state.nat === 'snat')
        await console(`uci set firewall.translate.snat_ip=${state.wanAddress} && uci commit firewall`)
      await console(`uci set network.wan.ipaddr=${state.wanAddress} && uci commit network`)
      await ask({ verb: 'settle' })
      await leadOut(state)
    },
    console,
    export: () => console('uci export'),
    sessions: () => ask({ verb: 'sessions' }),
    sessionTicks: () => ask({ verb: 'ticks' }),
    commands: () => ask({ verb: 'commands' }),
    cut: () => ask({ verb: 'cut' }),
    misbehave: (how) => ask({ verb: 'misbehave', how }),
    refuse: (pattern) => ask({ verb: 'refuse', pattern }),
    ubus: (how) => ask({ verb: 'ubus', how }),
    event: (name, times) => ask({ verb: 'event', interface: name, times }),
    looks: () => ask({ verb: 'looks' }),
    cutPower: (cut) => ask({ verb: 'power', ...cut }),
    interject: (after, script) => ask({ verb: 'interject', after, script }),
    counted: () => ask({ verb: 'counted' }),
    up: () => ask({ verb: 'up' }),
  }
}

/** What `homeward join` needs to know of it, without anybody's yes. The password is in a file on the Pi, outside homeward's folders. */
export async function openwrtJoinOptions(
  { password, hostKey }: LabOpenwrt,
  { pi, lan }: Home,
): Promise<readonly string[]> {
  const passwordFile = join(pi.disk.path, 'router-password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  return ['--router', 'openwrt', '--host', lan.router, '--password-file', passwordFile, '--host-key', hostKey]
}

const SYSTEM = `config system
	option hostname 'OpenWrt'
	option timezone 'UTC'
`

/**
 * Much like OpenWrt's own defaults, and a tunnel to an office whose peer has no name. The router's own packets come from its
 * LAN address, so that the tunnel's flow is really translated, here.
 */
function ownerNetwork({ wanAddress, lanAddress }: RouterState): string {
  return `
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	list ipaddr '127.0.0.1/8'

config interface 'lan'
	option device 'lan0'
	option proto 'static'
	option ipaddr '${lanAddress}'
	option netmask '255.255.255.0'

config interface 'wan'
	option device 'wan0'
	option proto 'static'
	option ipaddr '${wanAddress}'
	option netmask '255.255.255.0'

config interface 'office'
	option proto 'wireguard'
	option private_key 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk='
	option listen_port '13231'
	option nohostroute '1'
	list addresses '10.9.0.1/24'

config wireguard_office
	option description 'the office – café, not homeward'
	option public_key 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='
	list allowed_ips '10.9.0.2/32'
`
}

function ownerFirewall({ nat, wanAddress }: RouterState): string {
  const translate =
    nat === 'masquerade'
      ? ''
      : `
config nat 'translate'
	option name 'translate'
	option src 'wan'
	option target 'SNAT'
	option snat_ip '${wanAddress}'
	option proto 'all'
`
  return `
config defaults
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'
	option synflood_protect '1'

config zone
	option name 'lan'
	list network 'lan'
	option input 'ACCEPT'
	option output 'ACCEPT'
	option forward 'ACCEPT'

config zone
	option name 'wan'
	list network 'wan'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'
	option masq '${nat === 'masquerade' ? '1' : '0'}'
	option mtu_fix '1'

config forwarding
	option src 'lan'
	option dest 'wan'

config rule
	option name 'Allow-Ping'
	option src 'wan'
	option proto 'icmp'
	option icmp_type 'echo-request'
	option family 'ipv4'
	option target 'ACCEPT'

config rule
	option name 'homewards: mine, in spite of the word'
	option src 'wan'
	option proto 'udp'
	option dest_port '13231'
	option target 'ACCEPT'
${translate}`
}
