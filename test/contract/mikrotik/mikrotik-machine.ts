import type { Step } from '../../../adapters/step.ts'
import { type FakeRouter, type FakeRouterPlan, startFakeRouter } from '../../fake/routeros/fake-router.ts'
import type { Capabilities, Machine } from '../machine.ts'
import { mikrotikAgents } from './mikrotik-agents.ts'
import { MIKROTIK_DRIFT_NAMES, mikrotikDrifts } from './mikrotik-drifts.ts'
import { makeKeys } from '../specs.ts'

export const MIKROTIK: Capabilities = {
  roles: ['home'],
  answersVisitors: true,
  leadsOutgoing: false,
  keysMadeThere: true,
  undoesFailures: true,
  tellsCommands: true,
  drifts: MIKROTIK_DRIFT_NAMES,
}

export interface MikrotikMachine extends Machine {
  readonly router: FakeRouter
}

const USER = { name: 'homeward', password: 'a word for the contract' }

/** Somebody else's things, some of which look much like ours. */
const OWNER = `
/user/group/add name=homeward policy=api,read,write,test
/user/add name=${USER.name} group=homeward password="${USER.password}"
/interface/wireguard/add name=wg-office listen-port=13231 comment="homewards bound – café"
/interface/wireguard/peers/add interface=wg-office public-key="xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" allowed-address=10.9.0.2/32 comment="homeward"
/ip/address/add address=192.168.1.1/24 interface=bridge
/ip/address/add address=10.9.0.1/24 interface=wg-office
/ip/route/add dst-address=10.77.0.0/16 gateway=192.168.1.7 comment="to homeward's street"
/ip/firewall/filter
add chain=input action=accept connection-state=established,related
add chain=input action=drop in-interface=ether1 comment="my homeward rule"
add chain=forward action=fasttrack-connection connection-state=established,related
add chain=forward action=drop connection-state=invalid
add chain=forward action=drop in-interface=ether1
/ip/firewall/nat/add chain=srcnat action=masquerade out-interface=ether1
/ip/firewall/mangle/add chain=forward action=change-mss new-mss=1300 protocol=tcp tcp-flags=syn out-interface=ether1`

/** What fails a step. */
const COMMAND_OF: Partial<Record<Step['kind'], RegExp>> = {
  'create-interface': /^\/interface\/wireguard\/add$/,
  'add-address': /^\/ip\/address\/add$/,
  'set-firewall': /^\/ip\/firewall\/nat\/add$/,
  'set-peers': /^\/interface\/wireguard\/peers\/add$/,
}

/** A simulated router with somebody's things on it, and the adapter in processes of its own. */
export async function startMikrotikMachine(
  plan: Pick<FakeRouterPlan, 'version' | 'deviceMode'>,
  rollbackSeconds = 60,
): Promise<MikrotikMachine> {
  const router = await startFakeRouter({ ...plan, setup: OWNER })
  const access = { host: '127.0.0.1', port: router.tlsPort ?? 0, user: USER.name, certificate: router.fingerprint }
  const agents = await mikrotikAgents(access, USER.password, rollbackSeconds)
  const foreign = (): string =>
    router
      .export()
      .split('\n')
      .filter((line) => !/comment="homeward hw/.test(line))
      .join('\n')

  return {
    router,
    keys: makeKeys(),
    open: agents.open,
    foreign: async () => foreign(),
    leftovers: async () => [
      ...router
        .export()
        .split('\n')
        .filter((line) => /comment="homeward hw/.test(line)),
      ...(router.jobs() === 0 ? [] : [`${router.jobs()} jobs`]),
    ],
    takeInterface: async (name) => {
      await router.console(`/interface/wireguard/add name=${name}`)
      return async () => void (await router.console(`/interface/wireguard/remove [find where name=${name}]`))
    },
    breakStep: (kind) => {
      const command = COMMAND_OF[kind]
      if (command === undefined) return null
      return async () => {
        router.switches.refuses = command
        return async () => {
          router.switches.refuses = null
        }
      }
    },
    commandLines: async () => router.transcript().flat().join('\n'),
    drifts: mikrotikDrifts(router.console),
    close: async () => {
      await router.close()
      await agents.close()
    },
  }
}
