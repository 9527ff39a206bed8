import { isOwnRule } from './ours.ts'
import type { RuleMenu } from './menus.ts'
import type { Rule } from './objects.ts'
import type { Row } from '../api/session.ts'
import { isTrue } from '../api/flag.ts'

/** A rule of ours as it was found. */
export interface OwnRule {
  readonly id: string
  readonly chain: string
  /** A fingerprint, equal to the wanted rule's when nothing differs. */
  readonly fingerprint: string
  /** The next rule of somebody else's in any chain; null when there is none. */
  readonly next: Row | null
  readonly row: Row
}

/** Properties that are not part of what a rule does. */
const ASIDE: ReadonlySet<string> = new Set(['.id', 'dynamic', 'disabled'])

/**
 * Our rules of one menu, in their order. A rule behind one of somebody else's, or one that is switched off, has a
 * fingerprint that no wanted rule has.
 */
export function ownRules(menu: RuleMenu, rows: readonly Row[]): readonly OwnRule[] {
  const hidden = new Set<string>()
  return rows.flatMap((row, index) => {
    const chain = row['chain'] ?? ''
    if (!isOwnRule(row)) {
      if (isSomebodys(row) && !isTrue(row['disabled'])) hidden.add(chain)
      return []
    }
    const flaws = [
      ...(hidden.has(chain) ? ['behind another rule'] : []),
      ...(isTrue(row['disabled']) ? ['disabled'] : []),
    ]
    const next = rows.slice(index + 1).find(isSomebodys) ?? null
    return [{ id: row['.id'] ?? '', chain, fingerprint: fingerprint(menu, row, flaws), next, row }]
  })
}

/** The chain's first rule of somebody else's before which rules can be placed; dynamic ones don't allow that. */
export function firstOfSomebody(rows: readonly Row[], chain: string): string | null {
  return rows.find((row) => row['chain'] === chain && isSomebodys(row))?.['.id'] ?? null
}

export function fingerprintOf({ menu, attributes }: Rule): string {
  return fingerprint(menu, attributes, [])
}

/** Sorts rules by chain: chains are independent of each other, and stand in one menu in any order. */
export function byChain<Of extends { readonly chain: string }>(rules: readonly Of[]): readonly Of[] {
  return [...rules].sort((a, b) => (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : 0))
}

/** Whether a rule is somebody else's, and rules can be placed before it. */
export function isSomebodys(row: Row): boolean {
  return !isTrue(row['dynamic']) && !isOwnRule(row)
}

/** A rule's properties in one order and one spelling. */
function fingerprint(menu: RuleMenu, row: Row, flaws: readonly string[]): string {
  const words = Object.entries(row)
    // RouterOS shows defaults for some actions and not for others.
    .filter(([name, value]) => !ASIDE.has(name) && value !== '' && !(name === 'passthrough' && isTrue(value)))
    .map(([name, value]) => `${name}=${name === 'comment' ? value : spelled(value)}`)
    .sort()
  return [menu, ...words, ...flaws.map((flaw) => `(${flaw})`)].join(' ')
}

function spelled(value: string): string {
  if (value === 'true' || value === 'yes') return 'yes'
  if (value === 'false' || value === 'no') return 'no'
  return value
    .split(',')
    .map((part) => part.replace(/\/32$/, ''))
    .sort()
    .join(',')
}
