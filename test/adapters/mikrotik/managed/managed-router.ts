import { onTestFinished } from 'vitest'
import type { Adapter } from '../../../../adapters/adapter.ts'
import { mikrotikAdapter } from '../../../../adapters/mikrotik/mikrotik.ts'
import { setupScript } from '../../../../adapters/mikrotik/setup-script.ts'
import { systemClock } from '../../../../system/time/clock.ts'
import { type FakeRouter, type FakeRouterPlan, startFakeRouter } from '../../../fake/routeros/fake-router.ts'
import { stateFolder } from '../../state-folder.ts'

/** What its owner has on it. */
const SETUP = `
/interface/wireguard/add name=wg-office listen-port=13231 comment="homeward bound"
/interface/wireguard/peers/add interface=wg-office public-key="YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=" allowed-address=10.9.0.2/32
/ip/address/add address=192.168.1.1/24 interface=bridge
/ip/firewall/filter/add chain=input action=accept connection-state=established,related
/ip/firewall/filter/add chain=input action=drop in-interface=ether1
/ip/firewall/filter/add chain=forward action=fasttrack-connection connection-state=established,related comment="fast"
/ip/firewall/filter/add chain=forward action=drop connection-state=invalid
/ip/firewall/nat/add chain=srcnat action=masquerade out-interface=ether1
`

/** Who may do no more than `homeward router mikrotik-setup` gives. */
const LEAST = { user: 'homeward', group: 'homeward', password: 'least-of-all', from: null, address: null }

export async function start(plan: FakeRouterPlan): Promise<FakeRouter> {
  const router = await startFakeRouter({
    setup: `${setupScript(LEAST)}\n${SETUP}`,
    tls: 'anonymous',
    tlsPort: null,
    ...plan,
  })
  onTestFinished(() => router.close())
  return router
}

export async function adapterFor(router: FakeRouter, rollbackSeconds = 90): Promise<Adapter> {
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: router.plainPort!,
    user: LEAST.user,
    password: async () => LEAST.password,
    certificate: null,
    stateDir: await stateFolder(),
    clock: systemClock,
    rollbackSeconds,
  })
  onTestFinished(() => adapter.close())
  return adapter
}

export const signal = (): AbortSignal => AbortSignal.timeout(20_000)
