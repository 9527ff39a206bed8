import { isIn, withoutLength } from '../../../net/prefix.ts'
import { createHash } from 'node:crypto'
import { NOT_INTERNET } from '../../../net/internet.ts'
import { list, namedFor, type Options, type Section, text } from '../uci/sections.ts'
import type { ChainsSpec } from './chains.ts'
import { includeSection, tunnelInclude } from './include.ts'

/** The longest name of a zone: fw3 took 11 characters, and many programs that read zones still expect that. */
const LONGEST_ZONE = 11

export function zoneName(interfaceName: string): string {
  if (interfaceName.length <= LONGEST_ZONE) return interfaceName
  return `hw_${createHash('sha256').update(interfaceName).digest('hex').slice(0, 8)}`
}

/**
 * The sections of a zone of its own, and of what may pass. The zone names the device, not the network: fw4 looks a
 * network's device up when it loads, and while the tunnel is not up there is none, so that the first packets out of it
 * would be in no zone.
 * @param foreign the owner's sections: they tell in which zone the LAN is.
 */
export function firewallSections(spec: ChainsSpec, foreign: readonly Section[]): readonly Section[] {
  const { interface: name, network, forwarding } = spec
  const zone = zoneName(name)
  const lan = [...new Set(forwarding.lan)].sort()
  const section = (what: string, type: string, options: Options): Section => ({
    config: 'firewall',
    name: namedFor(name, what),
    type,
    options,
  })
  const rule = (what: string, title: string, options: Options): Section =>
    section(what, 'rule', { name: `homeward ${name}: ${title}`, family: 'ipv4', ...options, target: 'ACCEPT' })
  const all = { proto: 'all' }
  return [
    includeSection(name, tunnelInclude(spec)),
    section('zone', 'zone', {
      name: zone,
      device: [name],
      input: 'REJECT',
      output: 'ACCEPT',
      forward: 'REJECT',
      // The hub knows the home by one address; what the LAN starts, with the agent's heartbeats, comes from there.
      masq: '1',
      mtu_fix: '1',
    }),
    rule('icmp', 'ICMP to the router', { src: zone, proto: 'icmp' }),
    ...(lan.length === 0 ? [] : [rule('in', 'into the LAN', { src: zone, dest: '*', dest_ip: lan, ...all })]),
    ...(forwarding.exit
      ? [
          rule('exit', 'to the internet', {
            src: zone,
            dest: '*',
            src_ip: network,
            dest_ip: NOT_INTERNET.map((prefix) => `!${prefix}`),
            ...all,
          }),
        ]
      : []),
    // Only from the LAN: the router may be where the internet begins.
    ...lan.map((prefix, index) =>
      rule(`out${index}`, 'from the LAN', {
        src: lanZone(prefix, foreign) ?? '*',
        src_ip: [prefix],
        dest: zone,
        ...all,
      }),
    ),
    ...(forwarding.mode === 'routed' ? [] : lan).map((prefix, index) =>
      section(`nat${index}`, 'nat', {
        name: `homeward ${name}: LAN hosts see the router`,
        family: 'ipv4',
        src: '*',
        src_ip: network,
        dest_ip: prefix,
        ...all,
        target: 'MASQUERADE',
      }),
    ),
  ]
}

/** The zone of a LAN, by the configuration and not by what is up now: else the rules would change with each cable. */
function lanZone(prefix: string, foreign: readonly Section[]): string | null {
  const networks = foreign
    .filter(({ config, type, options }) => config === 'network' && type === 'interface' && isOn(prefix, options))
    .map(({ name }) => name)
  const zone = foreign.find(
    ({ config, type, options }) =>
      config === 'firewall' && type === 'zone' && list(options, 'network').some((name) => networks.includes(name)),
  )
  return zone === undefined ? null : text(zone.options, 'name')
}

/** Whether a LAN is on an interface. `ipaddr` is one address with `netmask`, or a list with prefix lengths. */
function isOn(prefix: string, options: Options): boolean {
  return list(options, 'ipaddr').some((address) => isIn(withoutLength(address), [prefix]))
}
