import { add, remove } from './change.ts'
import { readMenu, RULE_MENUS } from './menus.ts'
import type { Rule } from './objects.ts'
import { fingerprintOf, firstOfSomebody, type OwnRule, ownRules } from './rule-row.ts'
import type { Place } from './place.ts'

/**
 * Makes our rules those that are wanted. Rules that are right and in the right order stay; missing ones are placed
 * before surplus ones go, so that the tunnel always has its drop.
 */
export async function setRules(wanted: readonly Rule[], place: Place): Promise<void> {
  for (const menu of RULE_MENUS) {
    const rows = await readMenu(place.exec, menu, place.signal)
    const own = ownRules(menu, rows)
    const ofMenu = wanted.filter((rule) => rule.menu === menu)
    const chains = [...new Set([...ofMenu.map(chainOf), ...own.map(({ chain }) => chain)])]
    const surplus: OwnRule[] = []
    for (const chain of chains) {
      const there = own.filter((rule) => rule.chain === chain)
      const kept = keep(
        there,
        ofMenu.filter((rule) => chainOf(rule) === chain),
      )
      await addMissing(kept, firstOfSomebody(rows, chain), place)
      surplus.push(...there.filter((rule) => !kept.some(([, found]) => found === rule)))
    }
    for (const { row } of surplus) await remove(menu, row, place)
  }
}

type Kept = readonly (readonly [wanted: Rule, found: OwnRule | null])[]

/** Pairs the wanted rules with found ones: the longest subsequence of these that is in the wanted order. */
function keep(there: readonly OwnRule[], wanted: readonly Rule[]): Kept {
  const prints = wanted.map(fingerprintOf)
  // best[i][j]: how many of there[i..] and wanted[j..] can be paired.
  const best = Array.from({ length: there.length + 1 }, () => Array.from({ length: wanted.length + 1 }, () => 0))
  const at = (i: number, j: number): number => best[i]?.[j] ?? 0
  for (let i = there.length - 1; i >= 0; i -= 1)
    for (let j = wanted.length - 1; j >= 0; j -= 1) {
      const row = best[i]
      if (row === undefined) continue
      row[j] = there[i]?.fingerprint === prints[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  const found = new Map<number, OwnRule>()
  let i = 0
  let j = 0
  while (i < there.length && j < wanted.length) {
    const rule = there[i]
    if (rule !== undefined && rule.fingerprint === prints[j]) {
      found.set(j, rule)
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1
    else j += 1
  }
  return wanted.map((rule, index) => [rule, found.get(index) ?? null])
}

async function addMissing(kept: Kept, firstForeign: string | null, place: Place): Promise<void> {
  for (const [index, [rule, found]] of kept.entries()) {
    if (found !== null) continue
    const next = kept.slice(index + 1).find(([, other]) => other !== null)?.[1]?.id ?? firstForeign
    const where = next === null ? {} : { 'place-before': next }
    await add(rule.menu, { ...rule.attributes, ...where }, place)
  }
}

function chainOf(rule: Rule): string {
  return rule.attributes['chain'] ?? ''
}
