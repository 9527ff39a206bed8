import type { Adapter } from '../adapters/adapter.ts'
import { asProblem } from '../problems/problem.ts'
import type { Log } from '../system/log.ts'
import { withChangeLock } from './change-lock.ts'
import { type AgentConfig, firstHub } from './config.ts'
import type { RemedyKind } from './core/cure.ts'

export interface Patient {
  readonly adapter: Adapter
  readonly config: AgentConfig
  readonly runtimeDir: string
  readonly log: Log
}

/** Milliseconds on this machine, some round trips on a router; one that takes longer has failed. */
const REMEDY_MS = 10_000

/** Carries a remedy out, one change of this machine at a time. Never throws: answers whether it could. */
export async function carryOut(
  kind: RemedyKind,
  { adapter, config, runtimeDir, log }: Patient,
  signal: AbortSignal,
): Promise<boolean> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(REMEDY_MS)])
  const { interface: name, keepaliveSeconds } = config
  const remedy = { kind, interface: name, peer: firstHub(config).publicKey, keepaliveSeconds }
  try {
    await withChangeLock(runtimeDir, inTime, () => adapter.remedy(remedy, inTime))
    return true
  } catch (thrown) {
    const { code, message } = asProblem(thrown, `trying ${kind}`)
    log.error({ code }, message)
    return false
  }
}
