import { type ProofLink, rangeText } from '../protocol/publications.ts'
import type { Context } from './context.ts'
import { printFacts } from './output.ts'
import { rangeOf } from './publish-add.ts'
import { publishSide } from './publish-side.ts'

/** `homeward publish check PORT/tcp`. Exit status 2 when a link fails. */
export async function publishCheck(context: Context, ports: string): Promise<void> {
  const range = rangeOf(ports)
  const links = await (await publishSide(context)).check(range)
  printFacts(context, { ...range, links }, () => [`the way to ${rangeText(range)}:`, wayText(links)].join('\n'))
  noteFailure(links)
}

export function wayText(links: readonly ProofLink[]): string {
  return links
    .map(({ link, works, said }) => `  ${works === null ? '?' : works ? '✓' : '✗'} ${link.padEnd(8)} ${said}`)
    .join('\n')
}

export function noteFailure(links: readonly ProofLink[]): void {
  if (links.some(({ works }) => works === false)) process.exitCode = 2
}
