import type { Row } from '../api/session.ts'
import { isTrue } from '../api/flag.ts'
import { parseMark } from './mark.ts'

/**
 * Which rows are ours. A comment that happens to begin with our word is not enough: the row must be what we would have
 * given such a comment. What the router made by itself (`dynamic`) never is.
 */

/** The tunnel interface that a row of any menu but the rules' was made for; null when it is somebody else's. */
export function ownerOf(row: Row): string | null {
  const mark = isTrue(row['dynamic']) ? null : parseMark(row['comment'])
  if (mark === null) return null
  const { interface: owner, name } = mark
  if (row['dst-address'] !== undefined)
    return name === `network ${row['dst-address']}` || name === `route ${row['dst-address']}` ? owner : null
  if (name !== null) return null
  // A peer or an address hangs on an interface; where that is gone, its number stands there.
  const on = row['interface'] ?? row['name'] ?? ''
  return on === owner || on.startsWith('*') ? owner : null
}

/** The tunnel that an interface, a peer or an address has the mark of, whatever it is called and wherever it was moved by now; null when it has none. */
export function markedName(row: Row): string | null {
  const mark = isTrue(row['dynamic']) ? null : parseMark(row['comment'])
  return mark?.name === null ? mark.interface : null
}

/** Peers and addresses: what hangs on our interface is a part of it; what bears its mark is, wherever it was moved. */
export function belongsTo(interfaceName: string, row: Row): boolean {
  return (!isTrue(row['dynamic']) && row['interface'] === interfaceName) || isMarkedFor(interfaceName, row)
}

/** Bears the mark of this interface, wherever it was moved and whatever it is called. */
export function isMarkedFor(interfaceName: string, row: Row): boolean {
  const mark = isTrue(row['dynamic']) ? null : parseMark(row['comment'])
  if (mark?.interface !== interfaceName) return false
  return row['dst-address'] === undefined ? mark.name === null : /^(?:network|route) [\d./]+$/.test(mark.name ?? '')
}

/** The tunnel's interface among those of WireGuard. */
export function findOwn(interfaceName: string, interfaces: readonly Row[]): Row | undefined {
  return interfaces.find((row) => row['name'] === interfaceName && isMarkedFor(interfaceName, row))
}

/** The same under a name that its owner gave it: its key lives, and its name can be given back where it is free. */
export function findRenamed(interfaceName: string, interfaces: readonly Row[]): Row | undefined {
  if (findOwn(interfaceName, interfaces) !== undefined) return undefined
  return interfaces.find((row) => isMarkedFor(interfaceName, row))
}

const RULE_NAME =
  /^(?:forward-(?:known|drop|(?:out|lan) [\d./]+)|input-(?:icmp|known|drop)|out|lan [\d./]+|mss-(?:in|out)|visitors|answers|seen [\d./]+)$/

export function isOwnRule(row: Row): boolean {
  const name = isTrue(row['dynamic']) ? null : (parseMark(row['comment'])?.name ?? null)
  return name !== null && RULE_NAME.test(name)
}

/** A flag without a value: absent, empty or true, by version. */
export function isBlackhole(row: Row): boolean {
  return row['blackhole'] !== undefined && row['blackhole'] !== 'false' && row['blackhole'] !== 'no'
}
