import { type ListedPublication, rangeText } from '../../protocol/publications.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { publishClient } from './publish-client.ts'
import { table } from '../text/table.ts'

export async function publishList(context: Context): Promise<void> {
  const list = await (await publishClient(context)).list()
  printFacts(context, list, ({ publications }) =>
    publications.length === 0
      ? 'nothing is published yet: homeward publish add 443/tcp HOST:PORT'
      : publicationTable(publications),
  )
}

export function publicationTable(publications: readonly ListedPublication[]): string {
  const rows = publications.map((one) => [
    rangeText(one),
    hostPort(one.address, one.targetPort),
    one.home,
    one.source,
    one.addedAt,
  ])
  const withheld = publications.flatMap((one) =>
    (one.withheld ?? []).map((range) => `${rangeText(range)} leads nowhere: ${range.why}`),
  )
  const hidden = publications.flatMap((one) =>
    one.whyHidden === undefined ? [] : [`${rangeText(one)} hides visitors for now: ${one.whyHidden}`],
  )
  const outside = publications.flatMap((one) =>
    one.whyOutside === undefined ? [] : [`${rangeText(one)} leads nowhere: ${one.whyOutside}`],
  )
  return [
    table([['PUBLISHED', 'LEADS TO', 'AT', 'SOURCE', 'ADDED'], ...rows]),
    ...withheld,
    ...hidden,
    ...outside,
  ].join('\n')
}
