import type { DeviceLimit, HomeForwarding, MappedNetwork, TunnelFirewall } from '../../spec.ts'
import { hubInput, type JudgedHub } from './hub-input.ts'
import { homeOutgoing } from './home-outgoing.ts'
import { hubOutgoing } from './hub-outgoing.ts'
import { NOT_INTERNET } from '../../../net/internet.ts'
import { braced, portsText, withoutContained } from './braced.ts'
import { forgedChain, sourcesChain } from './from-tunnel.ts'
import { hubServicesTable } from './hub-services.ts'
import type { NftChain, NftTable } from './nft-table.ts'
import { publishedTable } from './published.ts'
import { udpAnswers } from './udp-answers.ts'
import { visitorChains } from './visitors.ts'

/** Priorities as numbers, which is how nft prints them back; their names are in nft(8), "Standard priority names". */
const FILTER = 0
const SRCNAT = 100

const DSTNAT = -100

/**
 * The content of our table for all tunnels, without published ports. Pure. Packets that touch no tunnel pass: they are
 * not ours to judge. The rules of each tunnel match only its own interface, so that they can follow one another in a
 * chain.
 */
export function firewallTable(tunnels: readonly TunnelFirewall[]): NftTable {
  const tables = tunnels.map(tableOf)
  const ofHomes = tunnels
    .filter(({ forwarding }) => forwarding.role === 'home')
    .map((home) => JSON.stringify(home.interface))
  const answers = ofHomes.length === 0 ? null : udpAnswers(ofHomes)
  return {
    flowLives: tables.flatMap(({ flowLives }) => flowLives),
    sets: tables.flatMap(({ sets }) => sets),
    maps: [...tables.flatMap(({ maps }) => maps), ...(answers === null ? [] : [answers.map])],
    recentSets: tables.flatMap(({ recentSets }) => recentSets),
    chains: [...joined(tables.flatMap(({ chains }) => chains)), ...(answers?.chains ?? [])],
  }
}

function tableOf(firewall: TunnelFirewall): NftTable {
  const { interface: name, forwarding } = firewall
  const tunnel = JSON.stringify(name)
  switch (forwarding.role) {
    case 'home':
      return homeTable(tunnel, firewall, forwarding)
    case 'hub':
      return hubTable(tunnel, firewall, forwarding)
    default:
      return forwarding satisfies never
  }
}

/** Merges chains of one name, in the place of the first. */
function joined(chains: readonly NftChain[]): readonly NftChain[] {
  const byName = new Map<string, NftChain>()
  for (const chain of chains) {
    const there = byName.get(chain.name)
    byName.set(chain.name, there === undefined ? chain : { ...there, rules: [...there.rules, ...chain.rules] })
  }
  return [...byName.values()]
}

function homeTable(
  tunnel: string,
  { address, network, visitorSlot }: TunnelFirewall,
  { lan, mode, seenAs, visitors, exit, outgoing }: HomeForwarding,
): NftTable {
  const intoLan = `iifname ${tunnel} oifname != ${tunnel} ip daddr ${braced(withoutContained(lan))}`
  const out = `iifname ${tunnel} oifname != ${tunnel} ip saddr ${network} ip daddr != ${braced(NOT_INTERNET)}`
  const translated = [
    // Only devices are masqueraded: a visitor's address is what its service shall see.
    ...(lan.length === 0 || mode === 'routed' ? [] : [`${intoLan} ip saddr ${network}`]),
    ...(exit ? [out] : []),
  ]
  return {
    flowLives: [],
    sets: [],
    maps: [],
    recentSets: [],
    chains: [
      forwardChain([
        ...clamp(tunnel),
        `iifname ${tunnel} ct state established,related accept`,
        // nft takes no empty braces.
        ...(lan.length === 0 ? [] : [`${intoLan} accept`]),
        ...(exit ? [`${out} accept`] : []),
        // Packets to this machine that it forwards itself: a container's published port. They are input all the same.
        `iifname ${tunnel} oifname != ${tunnel} ct status dnat accept`,
        `iifname ${tunnel} drop`,
      ]),
      forgedChain(tunnel, address, network),
      ...(translated.length === 0 ? [] : [masqueradeChain(translated)]),
      ...(seenAs.length === 0 ? [] : [seenChain(tunnel, seenAs)]),
      ...(visitors ? visitorChains(tunnel, network, visitorSlot) : []),
      ...(outgoing === undefined ? [] : homeOutgoing(tunnel, lan, visitorSlot, outgoing)),
    ],
  }
}

function hubTable(tunnel: string, { address, network, listenPort }: TunnelFirewall, forwarding: JudgedHub): NftTable {
  const { flowLives, recentSets, chains } = hubInput(tunnel, listenPort, forwarding)
  const internet = `ip daddr != ${braced(NOT_INTERNET)}`
  const toInternet = `iifname ${tunnel} oifname != ${tunnel} ip saddr @full_devices ${internet}`
  const published = publishedTable(tunnel, network)
  const hubServices = hubServicesTable({ tunnel, address, listenPort }, forwarding)
  const outgoing = hubOutgoing(tunnel)
  return {
    flowLives,
    sets: [
      { name: 'tunnel_devices', type: 'ipv4_addr', elements: [...new Set(forwarding.devices)] },
      { name: 'full_devices', type: 'ipv4_addr', elements: [...new Set(forwarding.full)] },
      { name: 'exit_devices', type: 'ipv4_addr', elements: [...new Set(forwarding.exits)] },
      ...hubServices.sets,
      ...published.sets,
      ...outgoing.sets,
    ],
    maps: [...published.maps, ...outgoing.maps],
    recentSets: [...recentSets, ...outgoing.recentSets, ...hubServices.recentSets],
    chains: [
      forwardChain([
        ...clamp(tunnel),
        ...published.forward,
        ...hubServices.forward,
        ...outgoing.forward,
        `iifname ${tunnel} ct state established,related accept`,
        `oifname ${tunnel} ct state established,related accept`,
        `iifname ${tunnel} oifname ${tunnel} ip saddr @tunnel_devices accept`,
        ...forwarding.limited.flatMap((limit) => limitRules(tunnel, limit)),
        `${toInternet} accept`,
        `iifname ${tunnel} oifname ${tunnel} ip saddr @exit_devices ${internet} accept`,
        `iifname ${tunnel} drop`,
        `oifname ${tunnel} drop`,
      ]),
      ...chains,
      forgedChain(tunnel, address, network),
      sourcesChain(tunnel, network, forwarding.lans),
      hubServices.chain,
      ...published.chains,
      ...outgoing.chains,
      {
        name: 'internet',
        type: 'nat',
        hook: 'postrouting',
        priority: SRCNAT,
        rules: [`${toInternet} masquerade`],
      },
    ],
  }
}

function limitRules(tunnel: string, { devices, prefixes, services = [] }: DeviceLimit): readonly string[] {
  const from = `iifname ${tunnel} oifname ${tunnel} ip saddr ${braced(devices)}`
  return [
    // nft takes no empty braces.
    ...(prefixes.length === 0 ? [] : [`${from} ip daddr ${braced(withoutContained(prefixes))} accept`]),
    ...services.map(
      ({ address, protocol, port, lastPort }) =>
        `${from} ip daddr ${address} ${protocol} dport ${portsText(port, lastPort)} accept`,
    ),
  ]
}

/** Clamps the MSS. `rt mtu` is the smaller MTU of both directions' routes, so it fits packets out of the tunnel too. */
function clamp(tunnel: string): readonly string[] {
  return ['iifname', 'oifname'].map((end) => `${end} ${tunnel} tcp flags syn tcp option maxseg size set rt mtu`)
}

function forwardChain(rules: readonly string[]): NftChain {
  return { name: 'forward', type: 'filter', hook: 'forward', priority: FILTER, rules }
}

function masqueradeChain(which: readonly string[]): NftChain {
  const rules = which.map((packets) => `${packets} masquerade`)
  return { name: 'postrouting', type: 'nat', hook: 'postrouting', priority: SRCNAT, rules }
}

/** Maps networks one to one, host by host (nft(8), "NAT STATEMENTS": prefix). Answers are translated back by nft. */
function seenChain(tunnel: string, seenAs: readonly MappedNetwork[]): NftChain {
  const rules = seenAs.map(({ prefix, seen }) => `iifname ${tunnel} ip daddr ${seen} dnat ip prefix to ${prefix}`)
  return { name: 'seen', type: 'nat', hook: 'prerouting', priority: DSTNAT, rules }
}
