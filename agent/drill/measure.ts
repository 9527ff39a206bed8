import type { DrillResult, DrillWay } from '../../protocol/drill.ts'
import type { Told, Watch } from '../core/state.ts'
import { causeOf } from '../core/evidence/health.ts'
import { rightCauses, WAYS } from './ways.ts'

/** What was seen of one way since it began. Pure; moments are monotonic milliseconds. */
export interface Measured {
  readonly way: DrillWay
  readonly startedAt: number
  readonly noticedAt: number | null
  readonly healedAt: number | null
  /** Causes in the order in which they were named. */
  readonly causes: readonly string[]
  /** Remedies that were tried, in their order. */
  readonly remedies: readonly string[]
}

export function beginMeasuring(way: DrillWay, now: number): Measured {
  return { way, startedAt: now, noticedAt: null, healedAt: null, causes: [], remedies: [] }
}

/** Takes what the judge tells people. */
export function noteTold(measured: Measured, action: Told, now: number): Measured {
  switch (action.kind) {
    case 'tell-health': {
      const { to } = action
      if (to.kind === 'up') return healed(measured, now)
      return named(noticed({ ...measured, healedAt: null }, now), causeOf(to))
    }
    case 'tell-cause':
      // Another mapping is what repairs and ways back make of it.
      if (action.cause === 'mapping-changed' && measured.way !== 'mapping') return measured
      return named(noticed(measured, now), action.cause)
    case 'tell-mapping':
      return action.change.from === null || measured.way !== 'mapping' ? measured : noticed(measured, now)
    case 'tell-remedy': {
      const { remedy, cause } = action.report
      // The way back to the preferred endpoint is tried against nothing.
      if (remedy === 'way-back') return measured
      // A way back on trial, which a block ends, is repaired at once, and nothing but the remedy names the cause.
      return measured.causes.length === 0 ? named(tried(measured, remedy), cause) : tried(measured, remedy)
    }
    default:
      return action satisfies never
  }
}

/**
 * Takes the judge's view, for what it does not tell: that the tunnel carries while the hub's daemon is silent, and a
 * remedy that was overtaken by the proof that nothing was wrong.
 */
export function noteLook(measured: Measured, watch: Watch, now: number): Measured {
  const { way } = measured
  const isOfDaemon = way === 'daemon' || way === 'heartbeats'
  const silent = watch.isDaemonSilent && isOfDaemon ? named(noticed(measured, now), 'hub-daemon-silent') : measured
  const { underWay } = watch.remediation
  const after = underWay === null || underWay.failbackFrom ? silent : tried(silent, underWay.remedy.kind)
  if (after.way !== 'mapping' || after.healedAt !== null) return after
  // A dropped mapping is healed by the first heartbeat that is answered through the next one.
  const { answeredAt } = watch.heartbeats
  return answeredAt !== null && answeredAt > after.startedAt ? { ...after, healedAt: answeredAt } : after
}

/** Whether there is nothing more to wait for. @param until when what was broken ends. */
export function isOver(measured: Measured, until: number, now: number): boolean {
  const isDone = measured.noticedAt !== null && measured.healedAt !== null && measured.causes.length > 0
  // A daemon that is silent has to be put up with for all of its time: nothing may be repaired meanwhile.
  return isDone && (measured.way === 'mapping' || measured.way === 'port' || now >= until)
}

export function resultOf(measured: Measured, hasOtherPorts: boolean): DrillResult {
  const { way, startedAt, noticedAt, healedAt, causes, remedies } = measured
  const cause = causes.at(-1) ?? null
  const isRightCause = cause !== null && rightCauses(way, hasOtherPorts).includes(cause)
  const seconds = (moment: number | null): number | null =>
    moment === null ? null : Math.round((moment - startedAt) / 100) / 10
  return {
    way,
    noticedSeconds: seconds(noticedAt),
    healedSeconds: seconds(healedAt),
    cause,
    isRight: isRightCause && (WAYS[way].mayRepair || remedies.length === 0),
  }
}

function tried(measured: Measured, remedy: string): Measured {
  const { remedies } = measured
  return remedies.at(-1) === remedy ? measured : { ...measured, remedies: [...remedies, remedy] }
}

function noticed(measured: Measured, now: number): Measured {
  return measured.noticedAt === null ? { ...measured, noticedAt: now } : measured
}

function healed(measured: Measured, now: number): Measured {
  return measured.noticedAt === null || measured.healedAt !== null ? measured : { ...measured, healedAt: now }
}

function named(measured: Measured, cause: string | null): Measured {
  const { causes } = measured
  return cause === null || causes.at(-1) === cause ? measured : { ...measured, causes: [...causes, cause] }
}
