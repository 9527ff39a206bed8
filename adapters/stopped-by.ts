import { quoted } from '../problems/printable.ts'
import type { DecidingRule, PacketFate } from './packet-fate.ts'

/**
 * What stopped packets on a machine, in words: the very rule, where the kernel named it; null: nothing of that machine
 * did, or nobody knows. The names may be another machine's: they are printed as somebody else's words. Pure.
 */
export function stoppedBy({ end, rule, to }: PacketFate): string | null {
  switch (end) {
    case 'dropped':
      return rule === null ? 'one of its rules drops them' : `${ruleText(rule)} drops them`
    case 'led-away': {
      const where = to === null ? 'elsewhere' : `to ${quoted(to)}`
      return rule === null ? `they are led ${where}` : `${ruleText(rule)} leads them ${where}`
    }
    case 'lost':
      return 'its routing drops them, by no rule of a table (a strict rp_filter does so)'
    case 'delivered':
    case 'nothing-arrived':
    case 'unknown':
      return null
    default:
      return end satisfies never
  }
}

function ruleText({ table, chain, rule }: DecidingRule): string {
  return `table ${printed(table)}, chain ${printed(chain)}, ${quoted(rule)}`
}

/** A name without the quotes. */
function printed(name: string): string {
  return quoted(name, 80).slice(1, -1)
}
