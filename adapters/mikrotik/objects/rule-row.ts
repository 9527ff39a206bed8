import { isOwnRule } from './ours.ts'
import type { RuleMenu } from './menus.ts'
import type { Rule } from './objects.ts'
import type { Row } from '../api/session.ts'
import { isTrue } from '../api/flag.ts'

/** A rule of ours as it was found. */
export interface OwnRule {
  readonly id: string
  readonly chain: string
  /** Equal to that of the wanted rule when nothing about it differs. */
  readonly fingerprint: string
  /** Somebody else's rule that comes next in any chain; null when none does. */
  readonly next: Row | null
  readonly row: Row
}

/** Not what a rule does, but what is said about it. */
const ASIDE: ReadonlySet<string> = new Set(['.id', 'dynamic', 'disabled'])

/**
 * Our rules of one menu, in their order. A rule behind one of somebody else's, or switched off, has a fingerprint that no
 * wanted rule has.
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

/** The first rule of the chain that is somebody else's and can be placed before; dynamic ones can't. */
export function firstOfSomebody(rows: readonly Row[], chain: string): string | null {
  return rows.find((row) => row['chain'] === chain && isSomebodys(row))?.['.id'] ?? null
}

export function fingerprintOf({ menu, attributes }: Rule): string {
  return fingerprint(menu, attributes, [])
}

/** Chains are independent of each other, and stand in one menu in whatever order. */
export function byChain<Of extends { readonly chain: string }>(rules: readonly Of[]): readonly Of[] {
  return [...rules].sort((a, b) => (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : 0))
}

/** And can be placed before. */
export function isSomebodys(row: Row): boolean {
  return !isTrue(row['dynamic']) && !isOwnRule(row)
}

/** Properties in one order and one spelling. */
function fingerprint(menu: RuleMenu, row: Row, flaws: readonly string[]): string {
  const words = Object.entries(row)
    // What goes without saying is shown for some actions and not for others.
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
