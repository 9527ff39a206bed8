import { changeOrFindOut, samePorts } from '../../../cli/publish/lost-answer.ts'
import { problemText } from '../../../cli/output.ts'
import { proveOutside } from '../../../cli/publish/prove-outside.ts'
import { pathText } from '../../../cli/publish/publish-check.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { whyNoVisitors } from '../../../hub/machine/families.ts'
import { makeKeptSources } from '../../../hub/visitors/kept-sources.ts'
import { homeLink, hubLink, outgoingLink, type Reply, serviceLink } from '../../../hub/visitors/links.ts'
import { asProblem, Problem } from '../../../problems/problem.ts'
import type { Publication, ProofLink, PublicationList } from '../../../protocol/publications.ts'

const publication: Publication = {
  protocol: 'udp',
  port: 27_015,
  lastPort: 27_015,
  address: '192.168.1.20',
  targetPort: 27_015,
  source: 'keep',
  home: 'cabin',
  addedAt: '2026-11-23T10:00:00.000Z',
}

/** What `publish check` and `publish add` say at home. */
export async function saidOfPublishing(): Promise<readonly string[]> {
  const replies: readonly Reply['kind'][] = ['data', 'untold', 'refused']
  const links: readonly ProofLink[] = [
    hubLink(publication, [], await whyNoVisitors(async () => null)),
    await proveOutside(['2001:db8::10'], 443),
    // No TCP leads to a broadcast address (ENETUNREACH), on any line.
    await proveOutside(['255.255.255.255'], 443),
    ...replies.map((kind) => serviceLink('192.168.1.20', 27_015, { kind } as Reply)),
    hiddenForNow(),
    ...outgoing(),
  ]
  return [
    ...links.map((link) => pathText([link], 'home')),
    await lostAnswer(async () => ({ publications: [] })),
    await lostAnswer(() => Promise.reject(LOST)),
  ]
}

/** The home says that the service answers past the tunnel. */
function hiddenForNow(): ProofLink {
  const host = { home: 'cabin', address: '192.168.7.20' }
  const kept = makeKeptSources({ document: EMPTY_DOCUMENT })
  kept.take(host.home, host.address, 'past')
  return homeLink(host.home, 'keep', true, kept.whyHidden(host))
}

/** What a service sends, with `--outgoing`. */
function outgoing(): readonly ProofLink[] {
  const host = { home: 'cabin', address: '192.168.7.20' }
  const kept = makeKeptSources({ document: EMPTY_DOCUMENT })
  kept.take(host.home, host.address, 'past')
  return [
    outgoingLink(publication, true, null, kept.whyNotOutgoing(host)),
    outgoingLink(publication, false, null, null),
    outgoingLink(publication, true, { sentSeconds: 4, answeredSeconds: null }, null),
    outgoingLink(publication, true, { sentSeconds: null, answeredSeconds: null }, null),
  ]
}

const LOST = new Problem('hub-unreachable', { what: 'asking the hub', why: 'it did not answer within 10 s' })

async function lostAnswer(list: () => Promise<PublicationList>): Promise<string> {
  const range = { protocol: 'udp', port: 20_001, lastPort: 50_000 } as const
  const done = (publications: readonly Publication[]) => publications.find(samePorts(range)) ?? null
  const thrown: unknown = await changeOrFindOut({
    range,
    change: () => Promise.reject(LOST),
    list,
    done,
    state: 'published',
  }).catch((why: unknown) => why)
  return problemText(asProblem(thrown, 'publishing'))
}
