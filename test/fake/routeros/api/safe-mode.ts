import type { Model } from '../model.ts'
import { Refused } from '../refused.ts'
import type { Snapshot } from '../tables/tables.ts'

/**
 * `/safe-mode`, since 7.18: whoever takes it gets everything undone, by whomever it was changed since (manual, "Safe
 * Mode"), when his session ends without releasing it.
 */
export interface SafeMode {
  readonly take: (session: object) => void
  readonly release: (session: object) => void
  readonly unroll: (session: object) => Promise<void>
  readonly holder: () => object | null
  /** Somebody changed something. After about a hundred actions it is released without a word (manual, "Safe Mode"). */
  readonly acted: () => void
  /** A session ended, however it did. */
  readonly ended: (session: object) => Promise<void>
  /** The router's power went: what was not released is not kept. */
  readonly powerLost: () => Promise<void>
  /** As if it had been released. */
  readonly forget: () => void
}

const LISTED_ACTIONS = 100

export function makeSafeMode(model: Model): SafeMode {
  let held: { readonly by: object; readonly before: Snapshot; actions: number } | null = null
  const heldBy = (session: object): { readonly before: Snapshot } => {
    if (held?.by !== session) throw new Refused('failure: safe mode is not taken by this session')
    return held
  }
  const back = async (): Promise<void> => {
    const before = held?.before
    held = null
    if (before !== undefined) await model.restore(before)
  }
  return {
    take: (session) => {
      if (held !== null) throw new Refused('failure: safe mode is taken by another session')
      held = { by: session, before: model.snapshot(), actions: 0 }
    },
    release: (session) => {
      heldBy(session)
      held = null
    },
    unroll: async (session) => {
      heldBy(session)
      await back()
    },
    holder: () => held?.by ?? null,
    acted: () => {
      if (held === null) return
      held.actions += 1
      if (held.actions > LISTED_ACTIONS) held = null
    },
    ended: async (session) => {
      if (held?.by === session) await back()
    },
    powerLost: back,
    forget: () => {
      held = null
    },
  }
}
