import { quoted } from '../../problems/printable.ts'
import { type ProofLink, rangeText } from '../../protocol/publications.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { ownRole } from '../side/own-role.ts'
import { rangeOf } from './publish-range.ts'
import { publishClient } from './publish-client.ts'

/** `homeward publish check PORT/tcp`. Exit status 2 when a link fails. */
export async function publishCheck(context: Context, ports: string): Promise<void> {
  const range = rangeOf(ports)
  const side = await ownRole(context)
  const links = await (await publishClient(context)).check(range)
  printFacts(context, { ...range, links }, (facts) =>
    [`the way to ${rangeText(range)}:`, pathText(facts.links, side)].join('\n'),
  )
  noteFailure(links)
}

/** The path for people. At home all links but the last were tested by the hub, whose words these are. */
export function pathText(links: readonly ProofLink[], side: 'home' | 'hub'): string {
  return links
    .map(({ link, works, said }) => {
      const words = side === 'home' && link !== 'outside' ? `the hub says: ${quoted(said)}` : said
      return `  ${works === null ? '?' : works ? '✓' : '✗'} ${link.padEnd(8)} ${words}`
    })
    .join('\n')
}

export function noteFailure(links: readonly ProofLink[]): void {
  if (links.some(({ works }) => works === false)) process.exitCode = 2
}
