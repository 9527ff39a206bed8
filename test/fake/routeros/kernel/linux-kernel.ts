import { rm, writeFile } from 'node:fs/promises'
import { runCommand, tryCommand } from '../../../../system/process/run-command.ts'
import { parseDump } from '../../../../wireguard/dump.ts'
import { formatEndpoint } from '../../../../wireguard/spec.ts'
import { makeWireguardDevice } from '../../wireguard-device.ts'
import {
  type ConnectionFacts,
  type KernelState,
  NO_STATE,
  type RouterKernel,
  type WireguardInterface,
  type WireguardPeer,
} from './kernel.ts'
import { nftTable, ROUTED_MARK } from './nft-rules.ts'

/** Moves what is really there: WireGuard, addresses, routes and nftables of the namespace it runs in. */
export function linuxKernel(): RouterKernel {
  let last: KernelState = NO_STATE
  let rules = ''
  /** By id: what conntrack needs to find one again. */
  const connections = new Map<string, readonly string[]>()

  async function apply(wanted: KernelState): Promise<void> {
    const before = last
    last = wanted
    const names = new Set(wanted.interfaces.map(({ name }) => name))
    const gone = before.interfaces.filter(({ name }) => !names.has(name))
    for (const { name } of gone) await tryCommand('ip', ['link', 'del', 'dev', name])
    // The firewall judges before anything can pass.
    const table = nftTable(wanted)
    if (table !== rules) await runCommand('nft', ['-f', '-'], { input: table })
    rules = table
    for (const one of wanted.interfaces) {
      const was = before.interfaces.find(({ name }) => name === one.name)
      await applyInterface(one, was ?? null)
      await applyAddresses(one.name, wanted)
    }
    await applyRoutes(wanted, before)
    await applyRouted(wanted)
  }

  return {
    apply,
    peers: async (name) => {
      const { exitCode, stdout } = await tryCommand('wg', ['show', name, 'dump'])
      if (exitCode !== 0) return []
      return parseDump(stdout).peers.map(({ publicKey, rxBytes, txBytes, lastHandshakeAt, endpoint }) => ({
        publicKey,
        rxBytes,
        txBytes,
        handshakeSeconds:
          lastHandshakeAt === null ? null : Math.max(0, Math.floor(Date.now() / 1_000 - lastHandshakeAt)),
        endpoint,
      }))
    },
    connections: async () => {
      const { stdout } = await tryCommand('conntrack', ['-L', '-o', 'id'])
      connections.clear()
      return stdout.split('\n').flatMap((line) => {
        const found = parseConnection(line)
        if (found === null) return []
        connections.set(found.facts.id, found.which)
        return [found.facts]
      })
    },
    forgetConnection: async (id) => {
      const which = connections.get(id)
      return which !== undefined && (await tryCommand('conntrack', ['-D', ...which])).exitCode === 0
    },
    ping: async (address) => {
      const { exitCode, stdout } = await tryCommand('ping', ['-c', '1', '-W', '1', address])
      return exitCode === 0 ? Number(/time=([\d.]+)/.exec(stdout)?.[1] ?? 0) : null
    },
    restart: async () => {
      const wanted = last
      for (const { name } of wanted.interfaces) await tryCommand('ip', ['link', 'del', 'dev', name])
      await tryCommand('conntrack', ['-F'])
      last = { ...wanted, interfaces: [], addresses: [] }
      await apply(wanted)
    },
    close: async () => undefined,
  }
}

async function applyInterface(wanted: WireguardInterface, before: WireguardInterface | null): Promise<void> {
  const { name, privateKey, listenPort, mtu, peers } = wanted
  if (before === null) await makeWireguardDevice(name)
  if (before?.privateKey !== privateKey || before.listenPort !== listenPort) {
    const file = `/run/${name}.key`
    await writeFile(file, `${privateKey}\n`, { mode: 0o600 })
    const key = before?.privateKey === privateKey ? [] : ['private-key', file]
    await runCommand('wg', ['set', name, 'listen-port', String(listenPort), ...key])
    await rm(file)
  }
  if (before?.mtu !== mtu) await runCommand('ip', ['link', 'set', 'dev', name, 'mtu', String(mtu), 'up'])
  const there = new Map((before?.peers ?? []).map((peer) => [peer.publicKey, peer]))
  for (const key of there.keys())
    if (!peers.some((peer) => peer.publicKey === key)) await runCommand('wg', ['set', name, 'peer', key, 'remove'])
  for (const peer of peers) await applyPeer(name, peer, there.get(peer.publicKey) ?? null)
}

/** Only what changed: each setting does something at once, and a session lives through it. */
async function applyPeer(name: string, wanted: WireguardPeer, before: WireguardPeer | null): Promise<void> {
  const { endpoint, allowed, keepaliveSeconds } = wanted
  const isSame = (property: keyof WireguardPeer): boolean =>
    before !== null && JSON.stringify(before[property]) === JSON.stringify(wanted[property])
  const words = [
    ...(isSame('allowed') ? [] : ['allowed-ips', allowed.join(',')]),
    ...(isSame('endpoint') || endpoint === null ? [] : ['endpoint', formatEndpoint(endpoint)]),
    ...(isSame('keepaliveSeconds') ? [] : ['persistent-keepalive', String(keepaliveSeconds)]),
  ]
  if (words.length > 0) await runCommand('wg', ['set', name, 'peer', wanted.publicKey, ...words])
}

/** Of WireGuard interfaces alone: the others have theirs from the cables' side. */
async function applyAddresses(name: string, { addresses }: KernelState): Promise<void> {
  const wanted = addresses.filter((one) => one.interface === name).map(({ address }) => address)
  const { stdout } = await runCommand('ip', ['-j', '-4', 'address', 'show', 'dev', name])
  const found = (JSON.parse(stdout) as { addr_info: { local: string; prefixlen: number }[] }[])
    .flatMap(({ addr_info: all }) => all)
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  for (const address of found.filter((one) => !wanted.includes(one)))
    await runCommand('ip', ['address', 'del', address, 'dev', name])
  for (const address of wanted.filter((one) => !found.includes(one)))
    await runCommand('ip', ['address', 'add', address, 'dev', name])
}

/** All of them each time: a route goes with the address or the interface that it leans on. */
async function applyRoutes({ routes, interfaces }: KernelState, before: KernelState): Promise<void> {
  const wanted = routes.map((route) => routeWords(route, interfaces))
  const gone = before.routes
    .map((route) => routeWords(route, before.interfaces))
    .filter((words) => !wanted.includes(words))
  for (const words of gone) await tryCommand('ip', ['route', 'del', ...words.split(' ')])
  for (const words of wanted) await tryCommand('ip', ['route', 'replace', ...words.split(' ')])
}

/** Where `action=route` leads. */
async function applyRouted({ mangle }: KernelState): Promise<void> {
  const gateway = mangle.find((rule) => rule['action'] === 'route')?.['route-dst']
  const rule = ['fwmark', ROUTED_MARK, 'lookup', '52', 'pref', '52']
  await tryCommand('ip', ['rule', 'del', ...rule])
  await tryCommand('ip', ['route', 'flush', 'table', '52'])
  if (gateway === undefined) return
  // While the tunnel is away there is no such way.
  await tryCommand('ip', ['route', 'add', 'default', 'via', gateway, 'table', '52'])
  await runCommand('ip', ['rule', 'add', ...rule])
}

function routeWords(
  { destination, gateway, source, distance }: KernelState['routes'][number],
  interfaces: KernelState['interfaces'],
): string {
  if (gateway === null) return `blackhole ${destination} metric ${distance}`
  const isLink = interfaces.some(({ name }) => name === gateway)
  // The default route has no metric of its own, so that the one of the cable's side is replaced by it.
  const metric = destination === '0.0.0.0/0' ? [] : ['metric', String(distance)]
  const from = source === null ? [] : ['src', source]
  return [destination, isLink ? 'dev' : 'via', gateway, ...from, ...metric].join(' ')
}

/** A line of `conntrack -L -o id`. */
function parseConnection(line: string): { readonly facts: ConnectionFacts; readonly which: readonly string[] } | null {
  const [, protocol, timeout] = /^(tcp|udp|icmp)\s+\d+\s+(\d+)/.exec(line) ?? []
  const id = /\bid=(\d+)/.exec(line)?.[1]
  const all = (name: string): readonly string[] =>
    [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, 'g'))].map((one) => one[1] ?? '')
  const [[source, replySource], [destination, replyDestination]] = [all('src'), all('dst')]
  const [[from, replyFrom], [to, replyTo]] = [all('sport'), all('dport')]
  if (protocol === undefined || id === undefined || source === undefined || destination === undefined) return null
  const place = (address = '', port?: string): string => (port === undefined ? address : `${address}:${port}`)
  return {
    facts: {
      id: `*${Number(id).toString(16).toUpperCase()}`,
      protocol: protocol as ConnectionFacts['protocol'],
      source: place(source, from),
      destination: place(destination, to),
      replySource: place(replySource, replyFrom),
      replyDestination: place(replyDestination, replyTo),
      timeoutSeconds: Number(timeout),
    },
    which: [
      '-p',
      protocol,
      '--orig-src',
      source,
      '--orig-dst',
      destination,
      ...(from === undefined || to === undefined ? [] : ['--sport', from, '--dport', to]),
    ],
  }
}
