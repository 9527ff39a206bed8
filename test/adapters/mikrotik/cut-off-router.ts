import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Adapter } from '../../../adapters/adapter.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import { systemClock } from '../../../system/time/clock.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { type FakeRouter, type FakeRouterPlan, startFakeRouter } from '../../fake/routeros/fake-router.ts'
import { homeForwarding } from '../forwarding.ts'
import { only } from '../only.ts'

export const HUB = 'H2pKuKFYwb+EFfLkcyZRtBp2MWeJzFSm0Jf2LQSdI1o=' as PublicKey

export const HOME: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [
    {
      publicKey: HUB,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [{ prefix: '10.99.0.0/24', mtu: null }],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade', visitors: true, exit: true }),
}

/** All of it is another. */
export const OTHER_HOME: TunnelSpec = {
  ...HOME,
  address: '10.87.0.9/24',
  mtu: 1280,
  peers: [{ ...HOME.peers[0]!, keepaliveSeconds: 10 }],
  routes: [],
  forwarding: homeForwarding({ lan: ['192.168.7.0/24'], mode: 'routed' }),
}

/** What its owner has on it. */
const SETUP = `
/user/group/add name=homeward policy=api,read,write,test
/user/add name=homeward group=homeward password=word
/interface/list/add name=LAN
/interface/list/member/add list=LAN interface=bridge
/interface/wireguard/add name=wg-office listen-port=13231 comment="homeward bound"
/interface/wireguard/peers/add interface=wg-office public-key="YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=" allowed-address=10.9.0.2/32
/ip/address/add address=192.168.1.1/24 interface=bridge
/ip/route/add dst-address=10.77.0.0/16 gateway=wg-office
/ip/firewall/filter/add chain=input action=accept connection-state=established,related
/ip/firewall/filter/add chain=input action=drop in-interface-list=!LAN
/ip/firewall/filter/add chain=forward action=drop connection-state=invalid comment="invalid"
/ip/firewall/filter/add chain=forward action=drop in-interface=ether1
/ip/firewall/nat/add chain=srcnat action=masquerade out-interface=ether1
/ip/firewall/mangle/add chain=prerouting action=mark-connection new-connection-mark=guest in-interface=wg-office`

/** What docs/mikrotik.md gives to do it by hand. */
export const BY_HAND = `
/ip/firewall/filter/remove [find where comment~"^homeward hw0"]
/ip/firewall/nat/remove [find where comment~"^homeward hw0"]
/ip/firewall/mangle/remove [find where comment~"^homeward hw0"]
/ip/route/remove [find where comment~"^homeward hw0"]
/ip/address/remove [find where comment="homeward hw0"]
/interface/wireguard/peers/remove [find where comment="homeward hw0"]
/interface/wireguard/remove [find where comment="homeward hw0"]`

/** A router, and agents one after the other with one state folder. */
export interface CutOffRouter {
  readonly router: FakeRouter
  readonly journal: string
  readonly aside: string
  readonly open: () => Adapter
  /** Brings it to that. */
  readonly bring: (spec: TunnelSpec | null) => Promise<void>
  /** @param count of the steps towards that, all but the last that keeps them without it. @returns how many there were. */
  readonly cutOff: (spec: TunnelSpec, count?: number) => Promise<number>
  /** All that is not ours, in its order. */
  readonly others: () => string
  readonly ours: () => readonly string[]
}

/** Gone with the running test. */
export async function cutOffRouter(
  plan: Pick<FakeRouterPlan, 'version' | 'deviceMode'>,
  rollbackSeconds = 90,
): Promise<CutOffRouter> {
  const router = await startFakeRouter({ setup: SETUP, tls: 'anonymous', tlsPort: null, ...plan })
  const stateDir = await mkdtemp(join(tmpdir(), 'homeward-cut-off-'))
  const adapters: Adapter[] = []
  onTestFinished(async () => {
    for (const adapter of adapters) await adapter.close()
    await router.close()
    await rm(stateDir, { recursive: true, force: true })
  })

  function open(): Adapter {
    const adapter = mikrotikAdapter({
      host: '127.0.0.1',
      port: router.plainPort!,
      user: 'homeward',
      password: async () => 'word',
      certificate: null,
      stateDir,
      clock: systemClock,
      rollbackSeconds,
    })
    adapters.push(adapter)
    return adapter
  }
  // The script of an entry of the scheduler has lines of its own.
  const lines = (): readonly string[] => router.export().split(/\n(?=add |\/|$)/)
  const isOurs = (line: string): boolean => /comment="homeward hw0/.test(line)

  return {
    router,
    journal: join(stateDir, 'router-undo.json'),
    aside: join(stateDir, 'router-undo.unusable.json'),
    open,
    bring: async (spec) => {
      const adapter = open()
      await applyDesired(adapter, only(spec), signal())
      await adapter.close()
    },
    cutOff: async (spec, count = Infinity) => {
      const adapter = open()
      const { steps } = adapter.plan(await adapter.observe(signal()), only(spec))
      for (const step of steps.slice(0, Math.min(count, steps.length - 1))) await adapter.execute(step, signal())
      await adapter.close()
      // Where safe mode was held, the router has taken it back by then.
      await expect.poll(() => router.sessions(), { timeout: 60_000, interval: 10 }).toBe(0)
      return steps.length
    },
    others: () =>
      lines()
        .filter((line) => !isOurs(line) && line !== '/system/scheduler')
        .join('\n'),
    ours: () => lines().filter(isOurs),
  }
}

export function signal(): AbortSignal {
  return AbortSignal.timeout(60_000)
}
