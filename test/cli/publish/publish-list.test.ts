import { expect, test } from 'vitest'
import { publicationTable } from '../../../cli/publish/publish-list.ts'
import type { ListedPublication } from '../../../protocol/publications.ts'

const since = '2026-11-30T03:12:05.123Z'
const listed = (port: number, standing?: ListedPublication['standing']): ListedPublication => ({
  protocol: 'tcp',
  port,
  lastPort: port,
  address: '192.168.1.20',
  targetPort: port,
  source: 'hide',
  home: 'cabin',
  addedAt: since,
  ...(standing === undefined ? {} : { standing }),
})

test('since when each is proven, or is not and why', () => {
  const lines = publicationTable([
    listed(1),
    listed(2, { state: 'proven', since, provenAt: since }),
    listed(3, { state: 'failing', since, provenAt: null, link: 'service', why: 'nothing listens there' }),
    listed(4, { state: 'unknown', since, provenAt: null, why: 'no data came back' }),
    listed(5, { state: 'unknown', since: null, provenAt: null, why: 'it is not checked yet' }),
  ]).split('\n')
  expect(lines.map((line) => line.split(/ {2,}/).at(-1))).toEqual([
    'PROVEN',
    '-',
    'since 2026-11-30 03:12:05 UTC',
    'not since 2026-11-30 03:12:05 UTC',
    '? since 2026-11-30 03:12:05 UTC',
    'not checked yet',
    '3/tcp fails at the link service: nothing listens there',
  ])
})
