import type { PacketFate } from '../../adapters/packet-fate.ts'
import { stoppedBy } from '../../adapters/stopped-by.ts'
import type { Visit } from '../../adapters/linux/packets/visit.ts'
import { type Publication, rangeText } from '../../protocol/publications.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Settings } from '../settings/settings.ts'

/** Opens ports of this machine as a stranger does: adapters/linux/packets/visit.ts. null: this machine cannot. */
export type VisitPorts = (
  visits: readonly Visit[],
  tunnel: string,
  signal: AbortSignal,
) => Promise<readonly PacketFate[] | null>

/** Whether packets from outside reach the hub's own ports, proven by packets that come in as a stranger's do. */
export interface WayIn {
  /** What was in the way at the last look, a sentence each. The daemon looks by itself, and nobody who asks it waits. */
  readonly warnings: (isDaemon: boolean) => Promise<readonly string[]>
  /** Looks again. Never throws. */
  readonly prove: () => Promise<readonly string[]>
  /** Why visitors of a published port do not come into the tunnel, by the last look; null: they do, or nobody knows. */
  readonly takenFrom: (publication: Publication) => string | null
  /** Opens one port of a publication, and remembers what was in the way; null: nothing, or this machine cannot tell. */
  readonly tries: (publication: Publication, port: number) => Promise<string | null>
  /** Opens ports as a stranger; null: this machine cannot. */
  readonly visit: (visits: readonly Visit[]) => Promise<readonly PacketFate[] | null>
}

const VISIT_MS = 30_000
/** How many publications one look opens, each with a rule in every watched place; of more they take turns. */
const MOST_PUBLICATIONS = 32

export function makeWayIn(
  visitPorts: VisitPorts,
  settings: Pick<Settings, 'current'>,
  publications: () => readonly Publication[],
  log: Log,
): WayIn {
  let found: readonly string[] | null = null
  let taken: ReadonlyMap<string, string> = new Map()
  /** The first publication of the next look. */
  let turn = 0
  const mutex = makeMutex()

  /** One stranger at a time: each takes the same names on this machine. */
  function visit(visits: readonly Visit[]): Promise<readonly PacketFate[] | null> {
    return mutex.runExclusive(() =>
      visitPorts(visits, settings.current.interface, AbortSignal.timeout(VISIT_MS)).catch(() => null),
    )
  }

  async function prove(): Promise<readonly string[]> {
    const { port } = settings.current
    const own = (['udp', 'tcp'] as const).map((protocol): Visit => ({ protocol, port, wanted: 'local' }))
    const all = publications()
    if (turn >= all.length) turn = 0
    // Of a range the first: whoever takes ports of it in between is met when they are published.
    const published = all.slice(turn, turn + MOST_PUBLICATIONS)
    turn += MOST_PUBLICATIONS
    const fates = await visit([...own, ...published.map(visitOf)])
    const whys = (fates ?? []).map(stoppedBy)
    const looked = new Map(published.map((one, index) => [rangeText(one), whys[own.length + index] ?? null]))
    taken = new Map(
      all.map(rangeText).flatMap((ports) => {
        const why = looked.has(ports) ? (looked.get(ports) ?? null) : (taken.get(ports) ?? null)
        return why === null ? [] : [[ports, why] as const]
      }),
    )
    const warnings = [
      ...own.flatMap(({ protocol }, index) => {
        const why = whys[index] ?? null
        const whose = protocol === 'udp' ? 'WireGuard' : 'the registrar'
        return why === null
          ? []
          : [
              `packets from outside to ${protocol.toUpperCase()} port ${port} do not reach ${whose} on this machine: ${why}. Change that; nobody can connect until then`,
            ]
      }),
      ...[...taken].map(
        ([ports, why]) =>
          `visitors of ${ports} do not come into the tunnel: on this machine ${why}. Change that, or publish another port`,
      ),
    ]
    for (const warning of warnings) if (found?.includes(warning) !== true) log.warn(warning)
    if ((found?.length ?? 0) > 0 && warnings.length === 0) log.info('packets from outside reach the hub again')
    found = warnings
    return warnings
  }

  return {
    warnings: async (isDaemon) => found ?? (isDaemon ? [] : await prove()),
    prove,
    takenFrom: (publication) => taken.get(rangeText(publication)) ?? null,
    tries: async (publication, port) => {
      const [fate] = (await visit([visitOf({ protocol: publication.protocol, port })])) ?? []
      const why = fate === undefined ? null : stoppedBy(fate)
      const others = [...taken].filter(([ports]) => ports !== rangeText(publication))
      taken = new Map(why === null ? others : [...others, [rangeText(publication), why]])
      return why
    },
    visit,
  }
}

/** A visit of a publication's first port. */
function visitOf({ protocol, port }: Pick<Publication, 'protocol' | 'port'>): Visit {
  return { protocol, port, wanted: 'tunnel' }
}
