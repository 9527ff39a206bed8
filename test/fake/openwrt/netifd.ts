import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { makeWireguardDevice } from '../wireguard-device.ts'
import type { Dialect } from './dialects.ts'
import { lookAtDevices, statusOf } from './interface-status.ts'
import type { Uci } from './uci.ts'
import type { UciSection } from './uci-file.ts'

/** The network service: interfaces of the protocols `static` (the cables, which are there) and `wireguard` (which it makes). */
export interface Netifd {
  /** Reads its programs for protocols and its configuration. The interfaces that it made go and come. */
  readonly start: () => Promise<void>
  readonly reload: () => Promise<void>
  readonly act: (name: string, verb: 'up' | 'down' | 'renew') => Promise<boolean>
  /** Of all interfaces, by name. */
  readonly status: () => Promise<ReadonlyMap<string, object>>
  readonly names: () => readonly string[]
  readonly handlers: () => readonly string[]
  readonly devicesOf: (name: string) => readonly string[]
}

interface Interface {
  readonly name: string
  proto: string
  device: string
  isUp: boolean
  autostart: boolean
  /** What it was set up with, as far as a reload compares. */
  made: string
  since: number
  error: string | null
  /** Default routes of a cable that was taken down; null while it is as it was. */
  ways: string | null
}

export interface NetifdDeps {
  readonly root: string
  readonly uci: Uci
  readonly dialect: Dialect
  /** How long a program for a protocol takes, on a small router. */
  readonly setupMs: number
  readonly changed: (name: string) => Promise<void>
  /** Takes what the bus is told. */
  readonly told: (action: 'ifup' | 'ifdown', name: string) => void
}

/** Of all that an interface may have, what a reload looks at. Neither its addresses nor its peers. */
const COMPARED = ['proto', 'device', 'private_key', 'listen_port', 'mtu', 'fwmark', 'disabled', 'nohostroute']

export function makeNetifd({ root, uci, dialect, setupMs, changed, told }: NetifdDeps): Netifd {
  const interfaces = new Map<string, Interface>()
  /** Of cables that nobody configures any more. */
  const gone = new Map<string, string>()
  let handlers: readonly string[] = []
  /** Routes and policy rules that it made, as the words of `ip` that make them, by their sections' names. */
  let routes = new Map<string, string>()
  let rules = new Map<string, string>()
  /** One thing after the other. */
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(act: () => Promise<Result>): Promise<Result> => {
    const mine = turn.then(act)
    turn = mine.catch(() => undefined)
    return mine
  }

  const sections = (): readonly UciSection[] => uci.load('network')
  const section = (name: string): UciSection | undefined =>
    sections().find((one) => one.type === 'interface' && one.name === name)

  async function reload(): Promise<void> {
    const wanted = sections().filter((one) => one.type === 'interface' && one.options.get('disabled') !== '1')
    for (const [name, there] of interfaces)
      if (!wanted.some((one) => one.name === name)) {
        await tearDown(there)
        interfaces.delete(name)
        if (there.ways !== null) gone.set(name, there.ways)
      }
    for (const one of wanted) {
      const there = interfaces.get(one.name)
      const made = comparedOf(one)
      if (there?.made === made) continue
      if (there !== undefined) await tearDown(there)
      const fresh: Interface = there ?? {
        name: one.name,
        proto: 'none',
        device: '',
        isUp: false,
        autostart: textOf(one, 'auto') !== '0',
        made,
        since: 0,
        error: null,
        ways: gone.get(one.name) ?? null,
      }
      gone.delete(one.name)
      fresh.made = made
      interfaces.set(one.name, fresh)
      if (fresh.autostart) await setUp(fresh, one)
    }
    await applyRoutes()
    await applyRules()
  }

  async function setUp(one: Interface, config: UciSection): Promise<void> {
    const proto = textOf(config, 'proto')
    one.error = null
    if (proto === 'static') {
      await plugIn(one, textOf(config, 'device'))
      const mtu = textOf(config, 'mtu')
      if (mtu !== '') await tryCommand('ip', ['link', 'set', 'dev', textOf(config, 'device'), 'mtu', mtu])
      Object.assign(one, { proto, device: textOf(config, 'device'), isUp: true, since: Date.now() })
      return
    }
    if (!handlers.includes(proto)) {
      Object.assign(one, { proto: 'none', isUp: false, error: 'INVALID_PROTO' })
      return
    }
    await sleep(setupMs)
    if (one.name.length > 15) {
      one.error = 'NO_DEVICE'
      return
    }
    try {
      await makeWireguardDevice(one.name)
      await configure(one.name, config, 'setconf')
      for (const address of listOf(config, 'addresses'))
        await runCommand('ip', [
          'address',
          'replace',
          address.includes('/') ? address : `${address}/32`,
          'dev',
          one.name,
        ])
      const mtu = textOf(config, 'mtu')
      await runCommand('ip', ['link', 'set', 'dev', one.name, ...(mtu === '' ? [] : ['mtu', mtu]), 'up'])
      Object.assign(one, { proto, device: one.name, isUp: true, since: Date.now() })
    } catch (thrown) {
      one.error = 'SETUP_FAILED'
      await tryCommand('ip', ['link', 'del', 'dev', one.name])
      if (!(thrown instanceof Error)) throw thrown
      return
    }
    if (textOf(config, 'nohostroute') !== '1') await addHostRoutes(one.name)
    await applyRoutes()
    told('ifup', one.name)
    await changed(one.name)
  }

  async function tearDown(one: Interface): Promise<void> {
    if (one.proto === 'wireguard') await tryCommand('ip', ['link', 'del', 'dev', one.device])
    if (one.proto === 'static' && one.isUp && one.device !== 'lo') {
      // The addresses stay on a cable that is down; the ways by it go.
      one.ways = (await tryCommand('ip', ['-4', 'route', 'show', 'default', 'dev', one.device])).stdout.trim()
      await tryCommand('ip', ['link', 'set', 'dev', one.device, 'down'])
    }
    if (one.isUp) told('ifdown', one.name)
    one.isUp = false
  }

  async function plugIn(one: Interface, device: string): Promise<void> {
    if (one.ways === null) return
    await tryCommand('ip', ['link', 'set', 'dev', device, 'up'])
    if (one.ways !== '') await tryCommand('ip', ['route', 'replace', ...one.ways.split(/\s+/), 'dev', device])
    one.ways = null
  }

  /** As the program does: a file that nobody else may read, for a moment. */
  async function configure(name: string, config: UciSection, verb: 'setconf' | 'syncconf'): Promise<void> {
    const file = join(root, 'tmp/wireguard', name)
    const peers = sections().filter(
      (one) => one.type === `wireguard_${name}` && textOf(one, 'public_key') !== '' && textOf(one, 'disabled') !== '1',
    )
    const text = [
      '[Interface]',
      line('PrivateKey', textOf(config, 'private_key')),
      line('ListenPort', textOf(config, 'listen_port')),
      ...peers.flatMap((peer) => {
        const host = textOf(peer, 'endpoint_host')
        const port = textOf(peer, 'endpoint_port') || '51820'
        return [
          '[Peer]',
          line('PublicKey', textOf(peer, 'public_key')),
          line('AllowedIPs', listOf(peer, 'allowed_ips').join(', ')),
          line('Endpoint', host === '' ? '' : `${host.includes(':') ? `[${host}]` : host}:${port}`),
          line('PersistentKeepalive', textOf(peer, 'persistent_keepalive')),
        ]
      }),
    ].join('\n')
    await writeFile(file, `${text}\n`, { mode: 0o600 })
    try {
      await runCommand('wg', [verb, name, file])
    } finally {
      await rm(file, { force: true })
    }
  }

  /** Of the handler without nohostroute: the endpoint by the way that leads there now. It stays whatever becomes of it. */
  async function addHostRoutes(name: string): Promise<void> {
    const { stdout } = await runCommand('wg', ['show', name, 'endpoints'])
    for (const [, address] of stdout.matchAll(/\t([\d.]+):\d+/g)) {
      const route = await tryCommand('ip', ['-4', 'route', 'get', address ?? ''])
      const [, gateway, device] = / via (\S+) dev (\S+)/.exec(route.stdout) ?? []
      if (gateway !== undefined && device !== undefined)
        await tryCommand('ip', ['route', 'replace', `${address}/32`, 'via', gateway, 'dev', device])
    }
  }

  async function applyRoutes(): Promise<void> {
    const wanted = new Map<string, string>()
    for (const route of sections().filter(({ type }) => type === 'route')) {
      const via = interfaces.get(textOf(route, 'interface'))
      if (via?.isUp !== true) continue
      const [gateway, table] = [textOf(route, 'gateway'), textOf(route, 'table')]
      const words = [
        textOf(route, 'target'),
        ...(gateway === '' ? [] : ['via', gateway]),
        'dev',
        via.device,
        ...(table === '' ? [] : ['table', table]),
      ]
      wanted.set(route.name, words.join(' '))
    }
    for (const [name, words] of routes)
      if (wanted.get(name) !== words) await tryCommand('ip', ['route', 'del', ...words.split(' ')])
    for (const words of wanted.values()) await tryCommand('ip', ['route', 'replace', ...words.split(' ')])
    routes = wanted
  }

  /** A rule that is configured as before is taken for one that is there (netifd's iprule.c, since July 2026). */
  async function applyRules(): Promise<void> {
    const wanted = new Map(sections().flatMap((one) => (one.type === 'rule' ? [[one.name, ruleWords(one)]] : [])))
    for (const [name, words] of rules)
      if (wanted.get(name) !== words) await tryCommand('ip', ['rule', 'del', ...words.split(' ')])
    for (const [name, words] of wanted)
      if (rules.get(name) !== words) await runCommand('ip', ['rule', 'add', ...words.split(' ')])
    rules = wanted
  }

  return {
    start: () =>
      inTurn(async () => {
        handlers = ['static', ...(existsSync(join(root, 'lib/netifd/proto/wireguard.sh')) ? ['wireguard'] : [])]
        for (const one of interfaces.values()) if (one.proto !== 'static') await tearDown(one)
        interfaces.clear()
        await reload()
      }),
    reload: () => inTurn(reload),
    act: (name, verb) =>
      inTurn(async () => {
        const one = interfaces.get(name)
        const config = section(name)
        if (one === undefined) return false
        if (verb === 'renew') {
          if (dialect.handler === 'sync' && one.isUp && one.proto === 'wireguard' && config !== undefined)
            await configure(name, config, 'syncconf')
          return true
        }
        one.autostart = verb === 'up'
        if (verb === 'down') await tearDown(one)
        else if (!one.isUp && config !== undefined) await setUp(one, config)
        return true
      }),
    status: async () => {
      const seen = await lookAtDevices()
      return new Map([...interfaces.values()].map((one) => [one.name, statusOf(one, seen)]))
    },
    names: () => [...interfaces.keys()],
    handlers: () => handlers,
    devicesOf: (name) => {
      const one = interfaces.get(name)
      return one?.isUp === true ? [one.device] : []
    },
  }
}

const RULE_OPTIONS = ['mark', 'lookup', 'priority', 'action', 'src', 'dest']

function ruleWords(rule: UciSection): string {
  for (const option of rule.options.keys())
    if (!RULE_OPTIONS.includes(option)) throw new TypeError(`the simulated netifd knows no option ${option} of a rule`)
  const word = (name: string, option: string): readonly string[] => {
    const value = textOf(rule, option)
    return value === '' ? [] : [name, value].filter((one) => one !== '')
  }
  return [
    ...word('priority', 'priority'),
    ...word('from', 'src'),
    ...word('to', 'dest'),
    ...word('fwmark', 'mark'),
    ...word('lookup', 'lookup'),
    ...word('', 'action'),
  ].join(' ')
}

function comparedOf(config: UciSection): string {
  return JSON.stringify(COMPARED.map((name) => config.options.get(name) ?? null))
}

function textOf({ options }: UciSection, name: string): string {
  const value = options.get(name)
  return typeof value === 'string' ? value : (value?.[0] ?? '')
}

function listOf({ options }: UciSection, name: string): readonly string[] {
  const value = options.get(name)
  if (value === undefined) return []
  return typeof value === 'string' ? value.split(/\s+/) : value
}

function line(name: string, value: string): string {
  return value === '' ? '' : `${name} = ${value}`
}
