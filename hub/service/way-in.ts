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
  /** Opens ports as a stranger; null: this machine cannot. */
  readonly visit: (visits: readonly Visit[]) => Promise<readonly PacketFate[] | null>
}

const VISIT_MS = 30_000
/** How many publications one look opens, each with a rule in every watched place. */
const MOST_PUBLICATIONS = 32

export function makeWayIn(
  visitPorts: VisitPorts,
  settings: Pick<Settings, 'current'>,
  publications: () => readonly Publication[],
  log: Log,
): WayIn {
  let found: readonly string[] | null = null
  let taken: ReadonlyMap<string, string> = new Map()
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
    // Of a range the first: whoever takes ports of it in between is met when they are published.
    const published = publications().slice(0, MOST_PUBLICATIONS)
    const fates = await visit([...own, ...published.map(visitOf)])
    const whys = (fates ?? []).map(stoppedBy)
    taken = new Map(
      published.flatMap((one, index) => {
        const why = whys[own.length + index] ?? null
        return why === null ? [] : [[rangeText(one), why] as const]
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
    visit,
  }
}

/** A visit of a publication's first port. */
export function visitOf({ protocol, port }: Pick<Publication, 'protocol' | 'port'>): Visit {
  return { protocol, port, wanted: 'tunnel' }
}
