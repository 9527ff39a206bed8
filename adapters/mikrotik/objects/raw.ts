import { contains, overlaps } from '../../../net/prefix.ts'
import { isTrue } from '../api/flag.ts'
import type { Row } from '../api/session.ts'

/**
 * The owner's raw table, which judges packets before connection tracking and every rule of ours (manual, Raw). The
 * vendor's own advanced firewall accepts there what comes from the bridge, the LAN and the WAN, and drops the rest: a
 * tunnel's interface is in none of these lists.
 */
export interface RawTable {
  /** Rows of `/ip/firewall/raw`, in their order. */
  readonly rules: readonly Row[]
  /** Rows of `/interface/list/member`. */
  readonly members: readonly Row[]
  /** Rows of `/ip/firewall/address-list`: those that `listQueries` asks for. */
  readonly lists: readonly Row[]
}

/** Whole networks in which tunnels are (RFC 1918, RFC 6598). */
const PRIVATE = ['0.0.0.0/0', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'] as const

/** What comes out of a tunnel: the answer to a heartbeat. */
export interface FromTunnel {
  readonly interface: string
  /** The tunnel's network, in which the sender is. */
  readonly network: string
  /** The home's address in it, with its prefix length. */
  readonly address: string
  /** Whether the interface is there: else no rule can name it. */
  readonly isThere: boolean
}

/** A rule that drops all that comes out of a tunnel: how its owner knows it, and what lets the tunnel in. */
export interface RawDrop {
  readonly rule: string
  readonly remedy: string
}

/** Properties that say nothing of which packets a rule is for. */
const NO_MATCH: ReadonlySet<string> = new Set([
  '.id',
  'chain',
  'action',
  'jump-target',
  'comment',
  'disabled',
  'dynamic',
  'invalid',
  'log',
  'log-prefix',
  'bytes',
  'packets',
])

/** null: what matters here is not known, or depends on the packet. */
type Answer = boolean | null

/**
 * Asks for the networks in the address lists that these rules name, as far as they may hold a whole tunnel's: such a list
 * may have a hundred thousand entries. @returns null where no rule names one.
 */
export function listQueries(rules: readonly Row[]): readonly string[] | null {
  const names = rules
    .filter((rule) => !isTrue(rule['disabled']))
    .flatMap((rule) => [rule['src-address-list'], rule['dst-address-list']])
    .flatMap((name) => (name === undefined || name === '' ? [] : [name.replace(/^!/, '')]))
  if (names.length === 0) return null
  return [...anyOf('list', [...new Set(names)]), ...anyOf('address', PRIVATE), '?#&']
}

/** Manual, API, Queries: what is left on the stack must be one. */
function anyOf(property: string, values: readonly string[]): readonly string[] {
  return values.flatMap((value, index) => [`?${property}=${value}`, ...(index === 0 ? [] : ['?#|'])])
}

/** @returns null where nothing is shown to drop it: rules that match on more than is known here are passed over. */
export function rawDropOf(table: RawTable, packet: FromTunnel): RawDrop | null {
  const end = walk('prerouting', table, packet, new Set())
  if (end.kind !== 'dropped') return null
  const index = table.rules.indexOf(end.rule)
  const comment = end.rule['comment'] ?? ''
  const isOnly = table.rules.filter((rule) => rule['comment'] === comment).length === 1
  const isPlain = isOnly && /^[\x20-\x7e]+$/.test(comment) && !/["\\$?]/.test(comment)
  const from = packet.isThere ? `in-interface=${packet.interface}` : `src-address=${packet.network}`
  const which = isPlain ? `[find where comment="${comment}"]` : String(index)
  return {
    rule: comment === '' ? `number ${index}, without a comment` : `number ${index}, “${comment}”`,
    remedy: `/ip/firewall/raw/add chain=${end.rule['chain'] ?? 'prerouting'} action=accept ${from} place-before=${which}`,
  }
}

type End =
  | { readonly kind: 'dropped'; readonly rule: Row }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'returned' }
  | { readonly kind: 'unknown' }

function walk(chain: string, table: RawTable, packet: FromTunnel, within: ReadonlySet<string>): End {
  if (within.has(chain)) return { kind: 'unknown' }
  for (const rule of table.rules) {
    if (rule['chain'] !== chain || isTrue(rule['disabled']) || isTrue(rule['invalid'])) continue
    const matches = matchOf(rule, table, packet)
    if (matches === false) continue
    const action = rule['action'] ?? 'accept'
    if (action === 'jump') {
      const end = walk(rule['jump-target'] ?? '', table, packet, new Set([...within, chain]))
      if (end.kind === 'returned') continue
      // Some of the tunnel's packets may be accepted there.
      if (matches === null) {
        if (end.kind === 'dropped') continue
        return { kind: 'unknown' }
      }
      return end
    }
    if (action !== 'accept' && action !== 'drop' && action !== 'return') continue
    // A rule that drops some of them is not why nothing comes; one that lets some through may be why something does.
    if (matches === null && action === 'drop') continue
    if (matches === null) return { kind: 'unknown' }
    if (action === 'return') return { kind: 'returned' }
    return action === 'drop' ? { kind: 'dropped', rule } : { kind: 'accepted' }
  }
  return { kind: 'returned' }
}

function matchOf(rule: Row, table: RawTable, packet: FromTunnel): Answer {
  const answers = Object.entries(rule)
    .filter(([name, value]) => !NO_MATCH.has(name) && value !== '')
    .map(([name, value]): Answer => {
      const isNot = value.startsWith('!')
      const answer = answerOf(name, isNot ? value.slice(1) : value, table, packet)
      return answer === null ? null : answer !== isNot
    })
  if (answers.includes(false)) return false
  return answers.includes(null) ? null : true
}

function answerOf(name: string, value: string, { members, lists }: RawTable, packet: FromTunnel): Answer {
  switch (name) {
    case 'in-interface':
      return value === packet.interface
    case 'in-interface-list':
      return isInList(value, members, packet.interface)
    case 'src-address':
      return within(value, packet.network)
    case 'dst-address':
      return within(value, `${packet.address.split('/')[0]}/32`)
    case 'src-address-list':
      return isListed(value, lists, packet.network)
    case 'dst-address-list':
      return isListed(value, lists, `${packet.address.split('/')[0]}/32`)
    case 'protocol':
      return value === 'udp'
    default:
      return null
  }
}

/** Lists that every router has (manual, Interface lists). */
function isInList(list: string, members: RawTable['members'], name: string): boolean {
  if (list === 'all' || list === 'static') return true
  return members.some((row) => row['list'] === list && row['interface'] === name && !isTrue(row['disabled']))
}

/** null: not by one of the networks that were asked for. */
function isListed(list: string, lists: RawTable['lists'], prefix: string): Answer {
  const holds = ({ address = '' }: Row): boolean => /^[\d.]+\/\d+$/.test(address) && contains(address, prefix)
  return lists.some((row) => row['list'] === list && !isTrue(row['disabled']) && holds(row)) ? true : null
}

function within(value: string, prefix: string): Answer {
  // A range of addresses.
  if (!/^[\d.]+(?:\/\d+)?$/.test(value)) return null
  const given = value.includes('/') ? value : `${value}/32`
  if (contains(given, prefix)) return true
  return overlaps(given, prefix) ? null : false
}
