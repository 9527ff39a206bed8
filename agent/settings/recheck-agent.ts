import * as v from 'valibot'
import { type DrillWay, DrillWaySchema } from '../../protocol/drill.ts'
import { askLocal, type LocalHandler } from '../../system/sockets/local-socket.ts'
import { agentControlPath, agentSocketPath } from './socket-path.ts'

const RECHECK = 'recheck'
const ALERT_TEST = 'alert-test'
const DRILL = 'drill'
const DRILL_REPORT = 'drill-report'

/** What a running agent does when it is told to. */
export interface AgentControls {
  readonly recheck: () => Promise<void>
  /** @param channel null: every channel. @returns what each answered. */
  readonly testAlerts: (channel: string | null) => Promise<unknown>
  /** @throws {Problem} where the tunnel is not to be broken now. */
  readonly startDrill: (ways: readonly DrillWay[]) => Promise<void>
  readonly drillReport: () => unknown
}

/**
 * Has a running agent look at agent.yaml now instead of soon; ends when it has taken what it found. `somebody`: an agent
 * runs that did not say so, such as one that ends meanwhile. null: none runs. Never throws.
 */
export async function recheckAgent(runtimeDir: string, timeoutMs: number): Promise<'looked' | 'somebody' | null> {
  // Agents of before listen at one socket; one that is of now may be about to begin at the other, or to end.
  for (const path of [agentControlPath(runtimeDir), agentSocketPath(runtimeDir)]) {
    const reply = await askLocal(path, RECHECK, null, timeoutMs).catch(() => 'somebody' as const)
    if (reply !== null) return reply === 'somebody' ? reply : 'looked'
  }
  return null
}

/** Has a running agent send a test by its channels; null: none runs. @throws {Problem} the agent's own, or `no-answer`. */
export async function askAlertTest(
  runtimeDir: string,
  channel: string | null,
  timeoutMs: number,
): Promise<{ readonly answer: unknown } | null> {
  return await askLocal(agentControlPath(runtimeDir), ALERT_TEST, { channel }, timeoutMs)
}

/** Has a running agent begin a drill; false: none runs. @throws {Problem} the agent's own, or `no-answer`. */
export async function askDrill(runtimeDir: string, ways: readonly DrillWay[], timeoutMs: number): Promise<boolean> {
  return (await askLocal(agentControlPath(runtimeDir), DRILL, { ways }, timeoutMs)) !== null
}

/** How a drill goes that a running agent began; null: none runs. @throws {Problem} as above. */
export async function askDrillReport(
  runtimeDir: string,
  timeoutMs: number,
): Promise<{ readonly answer: unknown } | null> {
  return await askLocal(agentControlPath(runtimeDir), DRILL_REPORT, null, timeoutMs)
}

/** Answers all of them. */
export function controlHandler({ recheck, testAlerts, startDrill, drillReport }: AgentControls): LocalHandler {
  return async (verb, input) => {
    switch (verb) {
      case RECHECK:
        await recheck()
        return null
      case ALERT_TEST:
        return await testAlerts(v.parse(v.object({ channel: v.nullable(v.string()) }), input).channel)
      case DRILL:
        await startDrill(v.parse(v.object({ ways: v.array(DrillWaySchema) }), input).ways)
        return null
      case DRILL_REPORT:
        return drillReport()
      default:
        throw new TypeError(`nothing that an agent does: ${verb.slice(0, 20)}`)
    }
  }
}
