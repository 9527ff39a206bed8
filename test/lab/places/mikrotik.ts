import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabRouterPlan } from '../../fake/routeros/lab-router.ts'
import type { Ending, Misbehaviour } from '../../fake/routeros/misbehaviour.ts'
import { askedProgram } from '../host/asked-program.ts'
import { bundleFor } from '../host/bundle.ts'
import type { RouterState, RouterSystem } from './home-router.ts'
import type { Home } from './home.ts'
import type { Host } from '../host/host.ts'
import type { Lab } from '../lab.ts'

/** A home router that is a MikroTik: the simulated RouterOS in the router's namespace, with real WireGuard and real NAT under it. */
export interface LabMikrotik extends RouterSystem {
  readonly user: string
  readonly password: string
  /** Of the API's certificate, SHA-256 in hex. Another one after its disk was wiped. */
  readonly fingerprint: string
  /** As its owner, with all rights; answers what was printed. @throws with the router's refusal. */
  readonly console: (script: string) => Promise<string>
  readonly export: () => Promise<string>
  readonly sessions: () => Promise<number>
  readonly jobs: () => Promise<number>
  /** How often all was looked at. */
  readonly looks: () => Promise<number>
  readonly drop: (how: Ending) => Promise<void>
  readonly misbehave: (how: Misbehaviour | null) => Promise<void>
}

export interface MikrotikPlan extends Pick<LabRouterPlan, 'deviceMode'> {
  readonly version?: string
  /** More of the owner's own settings, as a console script. */
  readonly setup?: string
}

const USER = { name: 'homeward', password: 'only for the laboratory' }

/** Its gateway's address is what the carrier's first home has, and its LAN that of the first home. */
export async function labMikrotik(lab: Lab, plan: MikrotikPlan = {}): Promise<LabMikrotik> {
  const { version = '7.18.2', deviceMode = 'advanced', setup = '' } = plan
  const program = await bundleFor(lab.folder, new URL('../../fake/routeros/lab-router.ts', import.meta.url))
  const { begin, ask } = askedProgram('the MikroTik')
  let fingerprint = ''

  return {
    user: USER.name,
    password: USER.password,
    get fingerprint() {
      return fingerprint
    },
    boot: () => 'echo 1 > /proc/sys/net/ipv4/ip_forward',
    service: async (host: Host, state: RouterState) => {
      const [planFile, flash] = ['router.json', 'flash.json'].map((name) => join(host.disk.stateDir, name))
      const own: LabRouterPlan = {
        version,
        deviceMode,
        links: ['wan0', 'lan0'],
        setup: `${ownerSetup(state)}\n${setup}`,
      }
      await writeFile(planFile ?? '', JSON.stringify(own))
      fingerprint = (await begin(host.start(process.execPath, [program, planFile ?? '', flash ?? '']))) as string
    },
    readdress: async ({ nat, wanAddress }) => {
      if (nat === 'snat')
        await ask({
          verb: 'console',
          script: `/ip/firewall/nat/set [find where comment="translate"] to-addresses=${wanAddress}`,
        })
      await ask({ verb: 'settle' })
    },
    console: (script) => ask({ verb: 'console', script }),
    export: () => ask({ verb: 'export' }),
    sessions: () => ask({ verb: 'sessions' }),
    jobs: () => ask({ verb: 'jobs' }),
    looks: () => ask({ verb: 'looks' }),
    drop: (how) => ask({ verb: 'drop', how }),
    misbehave: (how) => ask({ verb: 'misbehave', how }),
  }
}

/** What `homeward join` needs to know of it, without anybody's yes. The password is in a file on the Pi, outside homeward's folders. */
export async function joinOptions(
  { user, password, fingerprint }: LabMikrotik,
  { pi, lan }: Home,
): Promise<readonly string[]> {
  const passwordFile = routerPasswordFile(pi)
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  const access = ['--host', lan.router, '--user', user, '--password-file', passwordFile]
  return ['--router', 'mikrotik', ...access, '--tls-fingerprint', fingerprint]
}

export function routerPasswordFile(pi: Host): string {
  return join(pi.disk.path, 'router-password')
}

/**
 * What a MikroTik's owner has set: much like RouterOS's own defaults, a tunnel to an office, and rules of his own. The
 * router's own packets come from its LAN address, so that the tunnel's flow is really translated, here.
 */
function ownerSetup({ nat, wanAddress, wanGateway, lanAddress }: RouterState): string {
  const translate = nat === 'masquerade' ? 'masquerade' : `src-nat to-addresses=${wanAddress}`
  return `
/user/group/add name=homeward policy=api,read,write,test
/user/add name=${USER.name} group=homeward password="${USER.password}" comment="for the Pi"
/ip/address/add address=${lanAddress}/24 interface=lan0 comment=defconf
/ip/route/add dst-address=0.0.0.0/0 gateway=${wanGateway} pref-src=${lanAddress}
/interface/wireguard/add name=wg-office listen-port=13231 comment="the office – café"
/interface/wireguard/peers/add interface=wg-office public-key="xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" \\
  allowed-address=10.9.0.2/32 comment="not homeward's"
/ip/address/add address=10.9.0.1/24 interface=wg-office
/ip/firewall/filter
add chain=input action=accept connection-state=established,related,untracked comment="defconf: accept established"
add chain=input action=drop connection-state=invalid comment="defconf: drop invalid"
add chain=input action=accept protocol=icmp comment="defconf: accept ICMP"
add chain=input action=drop in-interface=!lan0 comment="defconf: drop all not coming from LAN"
add chain=forward action=fasttrack-connection connection-state=established,related comment="defconf: fasttrack"
add chain=forward action=accept connection-state=established,related,untracked comment="defconf: accept established"
add chain=forward action=drop connection-state=invalid comment="defconf: drop invalid"
add chain=forward action=drop in-interface=wan0 connection-state=new comment="defconf: drop all from WAN"
add chain=forward action=accept in-interface=lan0 comment="homewards: mine, in spite of the word"
add chain=forward action=drop comment="nothing else"
/ip/firewall/nat
add chain=srcnat action=${translate} out-interface=wan0 comment=translate`
}
