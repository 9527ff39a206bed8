import type { Row } from '../api/session.ts'
import { isTrue } from '../api/flag.ts'
import { parseMark } from './mark.ts'

/**
 * Which rows are ours. A comment that happens to begin with our word is not enough: the row must be one to which we
 * would have given such a comment. Rows that the router made by itself (`dynamic`) never are.
 */

/** The tunnel interface that a row of any menu but the rules' was made for; null when it is somebody else's. */
export function ownerOf(row: Row): string | null {
  const mark = isTrue(row['dynamic']) ? null : parseMark(row['comment'])
  if (mark === null) return null
  const { interface: owner, name } = mark
  if (row['dst-address'] !== undefined)
    return name === `network ${row['dst-address']}` || name === `route ${row['dst-address']}` ? owner : null
  if (name !== null) return null
  // A peer or an address hangs on an interface; where that is gone, RouterOS shows its number instead.
  const on = row['interface'] ?? row['name'] ?? ''
  return on === owner || on.startsWith('*') ? owner : null
}

/** The tunnel in the mark of an interface, a peer or an address, even renamed or moved; null without a mark. */
export function markedName(row: Row): string | null {
  const mark = isTrue(row['dynamic']) ? null : parseMark(row['comment'])
  return mark?.name === null ? mark.interface : null
}

/** Whether a peer or an address belongs to our interface: it hangs on it, or bears its mark, wherever it was moved. */
export function belongsTo(interfaceName: string, row: Row): boolean {
  return (!isTrue(row['dynamic']) && row['interface'] === interfaceName) || isMarkedFor(interfaceName, row)
}

/** Whether a row bears the mark of this interface, wherever it was moved and whatever it is called. */
export function isMarkedFor(interfaceName: string, row: Row): boolean {
  const mark = isTrue(row['dynamic']) ? null : parseMark(row['comment'])
  if (mark?.interface !== interfaceName) return false
  return row['dst-address'] === undefined ? mark.name === null : /^(?:network|route) [\d./]+$/.test(mark.name ?? '')
}

/** The tunnel's interface among the WireGuard interfaces. */
export function findOwn(interfaceName: string, interfaces: readonly Row[]): Row | undefined {
  return interfaces.find((row) => row['name'] === interfaceName && isMarkedFor(interfaceName, row))
}

/** Our interface under a name from its owner: its key lives, and its name can be given back where it is free. */
export function findRenamed(interfaceName: string, interfaces: readonly Row[]): Row | undefined {
  if (findOwn(interfaceName, interfaces) !== undefined) return undefined
  return interfaces.find((row) => isMarkedFor(interfaceName, row))
}

const RULE_NAME =
  /^(?:forward-(?:forged|known|drop|back|(?:out|lan) [\d./]+|exit [\d.-]+)|input-(?:forged|icmp|known|drop)|out|lan [\d./]+|exit [\d.-]+|mss-(?:in|out)|visitors|answers|seen [\d./]+)$/

export function isOwnRule(row: Row): boolean {
  const name = isTrue(row['dynamic']) ? null : (parseMark(row['comment'])?.name ?? null)
  return name !== null && RULE_NAME.test(name)
}

/** Whether a route is a blackhole. The flag has no value: absent, empty or true, by version. */
export function isBlackhole(row: Row): boolean {
  return row['blackhole'] !== undefined && row['blackhole'] !== 'false' && row['blackhole'] !== 'no'
}
