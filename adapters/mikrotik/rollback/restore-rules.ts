import type { Row } from '../api/session.ts'
import { add, isGone, remove } from '../objects/change.ts'
import type { Losses } from './losses.ts'
import type { RuleMenu } from '../objects/menus.ts'
import { inNamesNow, type NamesNow } from './names-now.ts'
import type { Place } from '../objects/place.ts'
import { firstOfSomebody, isSomebodys } from '../objects/rule-row.ts'
import { type KeptRow, keptRow, rulesOf, settable } from './snapshot.ts'

/** The rules of one menu, then and now. */
export interface RulesOf {
  readonly menu: RuleMenu
  /** All rows of the menu, in their order. */
  readonly rows: readonly Row[]
  readonly kept: readonly KeptRow[]
  readonly names: NamesNow
}

/** Restores all our rules in a menu where they stood, or touches none of them. */
export async function restoreRules(
  { menu, rows, kept, names }: RulesOf,
  { tunnels, place, losses }: { readonly tunnels: readonly string[]; readonly place: Place; readonly losses: Losses },
): Promise<void> {
  const own = rulesOf(tunnels, menu, rows)
  const found = own.map(({ row, next }) => keptRow(menu, row, next))
  const isAsKept = (wanted: readonly KeptRow[]): boolean =>
    JSON.stringify(found.map(sorted)) === JSON.stringify(wanted.map(sorted))
  const placed = kept.map((row) => ({ ...row, before: placeOf(menu, row, rows) }))
  if (isAsKept(placed)) return
  const wanted = placed.flatMap((row) => {
    const renamed = inNamesNow(row.attributes, names)
    if (renamed.kind === 'named') return [{ ...row, attributes: renamed.attributes }]
    losses.note(menu, row, renamed.why)
    return []
  })
  if (isAsKept(wanted)) return
  let isWhole = true
  for (const row of wanted) {
    const isThere = await losses.attempt(menu, row, () => addRule(menu, row, place))
    isWhole = isWhole && isThere
  }
  // A missing rule may have been the drop: until the next plan, the rules of the change stay in force.
  if (!isWhole) return
  for (const { row } of own) await losses.attempt(menu, keptRow(menu, row, null), () => remove(menu, row, place))
}

/**
 * The `.id` of the rule that a kept one stands before. Ids may be others' after a restart of the router, so the rule
 * itself is looked for; where it is gone or changed, it is the first of somebody else's in the chain, as in a plan.
 */
function placeOf(menu: RuleMenu, { before, next, attributes }: KeptRow, rows: readonly Row[]): string | null {
  if (before === null) return null
  const same = rows.filter((row) => isSomebodys(row) && isSame(settable(menu, row), next))
  const [first] = same
  if (first === undefined) return firstOfSomebody(rows, attributes['chain'] ?? '')
  return (same.find((row) => row['.id'] === before) ?? first)['.id'] ?? null
}

function isSame(row: Row, kept: Row | undefined): boolean {
  return kept !== undefined && JSON.stringify(entriesOf(row)) === JSON.stringify(entriesOf(kept))
}

async function addRule(menu: RuleMenu, { attributes, before }: KeptRow, place: Place): Promise<void> {
  if (before === null) return add(menu, attributes, place)
  try {
    await add(menu, { ...attributes, 'place-before': before }, place)
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown
    // That rule went this very moment: at the end the added one does no harm, and the next plan finds it.
    await add(menu, attributes, place)
  }
}

function sorted({ attributes, before }: KeptRow): unknown {
  return [before, ...entriesOf(attributes)]
}

function entriesOf(row: Row): readonly (readonly [string, string])[] {
  return Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))
}
