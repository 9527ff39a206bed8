import type { PacketFate } from '../../adapters/packet-fate.ts'
import type { Visit, Visited } from '../../adapters/linux/packets/visit.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Settings } from '../settings/settings.ts'

/** Opens ports of this machine as a stranger does: adapters/linux/packets/visit.ts. null: this machine cannot. */
export type VisitPorts = (
  visits: readonly Visit[],
  tunnel: string,
  signal: AbortSignal,
) => Promise<readonly Visited[] | null>

/** Whether packets from outside reach the hub's own ports, proven by packets that come in as a stranger's do. */
export interface WayIn {
  /** What was in the way at the last look, a sentence each. The daemon looks by itself, and nobody who asks it waits. */
  readonly warnings: (isDaemon: boolean) => Promise<readonly string[]>
  /** Looks again. Never throws. */
  readonly prove: () => Promise<readonly string[]>
}

const VISIT_MS = 30_000

export function makeWayIn(visitPorts: VisitPorts, settings: Pick<Settings, 'current'>, log: Log): WayIn {
  let found: readonly string[] | null = null
  const mutex = makeMutex()

  /** One stranger at a time: each takes the same names on this machine. */
  function visit(visits: readonly Visit[]): Promise<readonly Visited[] | null> {
    return mutex.runExclusive(() =>
      visitPorts(visits, settings.current.interface, AbortSignal.timeout(VISIT_MS)).catch(() => null),
    )
  }

  async function prove(): Promise<readonly string[]> {
    const { port } = settings.current
    const visits = (['udp', 'tcp'] as const).map((protocol) => ({ protocol, port, wanted: 'local' }) as const)
    const visited = await visit(visits)
    const warnings = (visited ?? []).flatMap(({ fate }, index) => {
      const why = stopText(fate)
      const place = `${visits[index]?.protocol.toUpperCase()} port ${port}`
      const whose = visits[index]?.protocol === 'udp' ? 'WireGuard' : 'the registrar'
      return why === null
        ? []
        : [
            `packets from outside to ${place} do not reach ${whose} on this machine: ${why}. Change that; nobody can connect until then`,
          ]
    })
    for (const warning of warnings) if (found?.includes(warning) !== true) log.warn(warning)
    if ((found?.length ?? 0) > 0 && warnings.length === 0) log.info('packets from outside reach the hub again')
    found = warnings
    return warnings
  }

  return {
    warnings: async (isDaemon) => found ?? (isDaemon ? [] : await prove()),
    prove,
  }
}

/** Who stops a stranger's packets on this machine, in words; null: nobody, or nobody knows. */
function stopText({ end, rule, to }: PacketFate): string | null {
  const named = rule === null ? null : `table ${rule.table}, chain ${rule.chain}, rule ${JSON.stringify(rule.rule)}`
  switch (end) {
    case 'dropped':
      return `${named ?? 'a rule'} drops them`
    case 'led-away':
      return `${named ?? 'a rule'} leads them ${to === null ? 'elsewhere' : `to ${to}`}`
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
