import type { Adapter } from '../../adapters/adapter.ts'
import type { Step } from '../../adapters/step.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import type { ProblemCode } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Assurance } from './assurance.ts'
import { bringTunnel } from './bring-tunnel.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import type { ClockGuard } from '../memory/clock-guard.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { Happening } from '../memory/events.ts'
import { type Keeper, makeKeeper } from './keeper.ts'
import type { LineMemory } from '../memory/line-memory.ts'
import type { Judge } from './judge.ts'
import type { Path } from './path.ts'
import type { AgentPlaces } from '../settings/places.ts'

/** Keeps this machine as the plan wants it, and the path known. */
export interface Upkeep {
  readonly keeper: Keeper
  /** Once, under the lock. @throws {Problem} */
  readonly bring: (signal: AbortSignal) => Promise<readonly Step[]>
  /** What hindered the last bringing and did not stop it. An agent that has just begun is given time for its first. */
  readonly warnings: () => Promise<readonly string[]>
  /** What the next look mends is wanted by us, and no drift. */
  readonly expectChange: () => void
}

export interface UpkeepParts {
  readonly places: AgentPlaces
  readonly adapter: Adapter
  /** Of the moment. */
  readonly config: () => TunnelConfig
  readonly line: LineMemory
  readonly path: Path
  readonly clockGuard: ClockGuard
  /** Before a router keeps what was changed. */
  readonly assurance: Assurance
  readonly notice: Judge['notice']
  readonly note: (happening: Happening) => void
  /** Whether the router that the tunnel ends on lets us in. */
  readonly routerAnswered: (answered: boolean) => void
  readonly log: Log
}

/** What is said of a router that is not there, or lets nobody in. */
const SILENCE: readonly ProblemCode[] = ['router-unreachable', 'router-timeout', 'router-login-refused']

/** The first look at this machine takes less, unless its clock must be waited for. */
const FIRST_LOOK_MS = 2_000

export function makeUpkeep(parts: UpkeepParts): Upkeep {
  const { places, adapter, config, line, path, clockGuard, assurance, notice, note, log } = parts
  const { stateDir, runtimeDir } = places
  /** For which configuration the machine was last found or made right. */
  let settled: TunnelConfig | null = null
  let isDescribed = false
  /** Sentences about the machine that stand in the log already. */
  let said: readonly string[] = []
  let looked = (): void => undefined
  const firstLook = new Promise<void>((resolve) => {
    looked = resolve
  })

  async function bring(signal: AbortSignal): Promise<readonly Step[]> {
    const isUp = async () => tunnelIn(await adapter.observe(signal), config().interface)?.up === true
    // A router shakes hands by its own clock.
    if (config().router.kind === 'linux') await clockGuard.hold(isUp, signal)
    const { steps, peer, hubLiterals, listenPort, visitors, warnings } = await withChangeLock(
      runtimeDir,
      signal,
      async () => {
        // What is so under the lock: while it was waited for, the tunnel may have got another key.
        const { carrier, hubLiterals } = path
        const tunnel = { adapter, config: config(), stateDir, line: line.current, carrier: carrier?.endpoint ?? null }
        const wanted = hubLiterals === null ? tunnel : { ...tunnel, hubLiterals }
        const brought = await bringTunnel(wanted, signal, assurance)
        // Kept, and then we were killed before anybody was told.
        if (brought.publicKey !== null && brought.steps.length === 0)
          await assurance.keyFound(brought.publicKey, signal)
        return brought
      },
    )
    for (const warning of warnings.filter((one) => !said.includes(one))) log.warn(warning)
    said = warnings
    const seen = peer === null ? {} : { endpoint: peer.endpoint, keepaliveSeconds: peer.keepaliveSeconds }
    Object.assign(path, { hubLiterals, listenPort, visitors }, seen)
    return steps
  }

  /** A router that does not answer says it the next time. */
  async function describeOnce(signal: AbortSignal): Promise<void> {
    if (isDescribed) return
    const { remedies } = await adapter.describe(signal)
    isDescribed = true
    notice({ kind: 'described', canForgetFlow: remedies.includes('forget-flow') })
  }

  async function look(signal: AbortSignal): Promise<readonly Step[]> {
    const wanted = config()
    let mended = false
    try {
      const steps = await bring(signal)
      await describeOnce(signal)
      parts.routerAnswered(true)
      // What the first look and a new configuration change is no drift.
      mended = settled === wanted && steps.length > 0
      settled = wanted
      return steps
    } catch (thrown) {
      if (thrown instanceof Problem && SILENCE.includes(thrown.code)) parts.routerAnswered(false)
      throw thrown
    } finally {
      looked()
      notice({ kind: 'looked', mended })
    }
  }

  return {
    bring,
    warnings: async () => {
      const enough = new AbortController()
      await Promise.race([firstLook, sleep(FIRST_LOOK_MS, enough.signal)])
      enough.abort()
      return said
    },
    keeper: makeKeeper(look, note, log),
    expectChange: () => {
      settled = null
    },
  }
}
