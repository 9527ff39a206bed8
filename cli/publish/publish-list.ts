import { localTime } from '../../system/time/local-time.ts'
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
    one.outgoing === true ? `${one.source}, outgoing` : one.source,
    localTime(one.addedAt),
    provenText(one),
  ])
  const failing = publications.flatMap((one) =>
    one.standing?.state === 'failing'
      ? [
          `${rangeText(one)} fails at the link ${one.standing.link ?? 'service'}: ${one.standing.why ?? 'no reason was given'}`,
        ]
      : [],
  )
  const withheld = publications.flatMap((one) =>
    (one.withheld ?? []).map((range) => `${rangeText(range)} leads nowhere: ${range.why}`),
  )
  const hidden = publications.flatMap((one) =>
    one.whyHidden === undefined ? [] : [`${rangeText(one)} hides visitors for now: ${one.whyHidden}`],
  )
  const notOutgoing = publications.flatMap((one) =>
    one.whyNotOutgoing === undefined
      ? []
      : [`${rangeText(one)}: what it sends does not leave by the hub: ${one.whyNotOutgoing}`],
  )
  const outside = publications.flatMap((one) =>
    one.whyOutside === undefined ? [] : [`${rangeText(one)} leads nowhere: ${one.whyOutside}`],
  )
  return [
    table([['PUBLISHED', 'LEADS TO', 'AT', 'SOURCE', 'ADDED', 'PROVEN'], ...rows]),
    ...failing,
    ...withheld,
    ...hidden,
    ...notOutgoing,
    ...outside,
  ].join('\n')
}

/** Since when the hub's own checks prove a publication, or do not. */
function provenText({ standing }: ListedPublication): string {
  if (standing === undefined) return '-'
  const since = standing.since === null ? '' : ` since ${localTime(standing.since)}`
  switch (standing.state) {
    case 'proven':
      return since.trim()
    case 'failing':
      return `not${since}`
    case 'unknown':
      return standing.since === null ? 'not checked yet' : `?${since}`
    default:
      return standing.state satisfies never
  }
}
