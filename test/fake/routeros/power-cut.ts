import type { Model } from './model.ts'
import type { Snapshot } from './tables/tables.ts'

/** When the power goes, and what the flash has by then: which of these a real router does is not known. */
export interface PowerCut {
  /** After so many commands, whoever gives them: a session, or a script of the router's own. Its answer is not heard. */
  readonly after: number
  /** The last changes of settings that had not reached the flash. */
  readonly unwritten: number
  /** Whether what safe mode would have undone is undone. */
  readonly safeMode: 'undone' | 'kept'
  /** After each command, the last one too; it may give commands itself. */
  readonly each?: () => void | Promise<void>
}

/** Counts commands to a cut of the power. */
export interface Countdown {
  readonly begin: (cut: PowerCut) => Promise<void>
  /** A command was carried out. */
  readonly ran: (isChange: boolean) => Promise<void>
}

/** @param cut power off, power on. @param written what the flash has; null: all that was said. */
export function makeCountdown(
  model: Model,
  cut: (written: Snapshot | null, safeMode: PowerCut['safeMode']) => Promise<void>,
): Countdown {
  let next: (PowerCut & { readonly done: () => void }) | null = null
  let commands = 0
  let isWithin = false
  let history: Snapshot[] = []
  return {
    begin: (plan) => {
      commands = 0
      history = [model.snapshot()]
      return new Promise((done) => {
        next = { ...plan, done }
      })
    },
    ran: async (isChange) => {
      if (next === null || isWithin) return
      const { after, unwritten, safeMode, each, done } = next
      commands += 1
      if (isChange) history.push(model.snapshot())
      isWithin = true
      try {
        await each?.()
      } finally {
        isWithin = false
      }
      if (commands < after) return
      next = null
      await cut(unwritten === 0 ? null : (history.at(-1 - unwritten) ?? history[0] ?? null), safeMode)
      done()
    },
  }
}
