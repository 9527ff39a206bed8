import { asProblem } from '../../problems/problem.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import type { Log } from '../../system/process/log.ts'
import { type AgentConfig, agentConfigPath, leavingConfigPath, readAgentConfig } from './config.ts'
import { makeInbox } from '../../system/process/inbox.ts'

/** Looks at agent.yaml for as long as the agent runs. */
export interface ConfigWatch {
  /** Looks now, not in two seconds; ends when it has, or when nobody looks any more. */
  readonly recheck: () => Promise<void>
  /**
   * Ends when the signal says so, when agent.yaml is gone: this machine has left its hub; or when it says that this machine has
   * joined anew.
   */
  readonly run: (signal: AbortSignal) => Promise<WatchEnd>
}

export type WatchEnd = 'ended' | 'left' | 'joined-again'

const LOOK_EVERY_MS = 2_000

/**
 * @param take gets every good configuration; a bad one is logged, and the last good one stays. It says whether that is of
 *   another join.
 */
export function watchConfig(
  configDir: string,
  stampAtStart: string,
  take: (config: AgentConfig) => 'taken' | 'joined-again',
  refused: (why: string) => void,
  log: Log,
): ConfigWatch {
  const path = agentConfigPath(configDir)
  /** Each is called when a look ends that began after it was put there. */
  const wakes = makeInbox<() => void>()
  let stamp = stampAtStart
  let isLooking = true

  /** @returns null while the watch goes on. */
  async function look(): Promise<WatchEnd | null> {
    const before = stamp
    stamp = await stampOf(path)
    if (stamp === 'gone') {
      if ((await stampOf(leavingConfigPath(configDir))) !== 'gone') return 'left'
      // Some editors remove the file before they write it anew: gone is what is gone twice.
      return before === 'gone' ? 'left' : null
    }
    if (stamp === before) return null
    try {
      const taken = take(await readAgentConfig(configDir))
      log.info({ path }, 'took the new configuration')
      return taken === 'joined-again' ? taken : null
    } catch (thrown) {
      const { code, message } = asProblem(thrown, `reading ${path}`)
      log.error({ code }, `${message} The last good configuration stays in force.`)
      refused(message)
      return null
    }
  }

  return {
    recheck: () => (isLooking ? new Promise((resolve) => wakes.put(resolve)) : Promise.resolve()),
    run: async (signal) => {
      try {
        while (!signal.aborted) {
          await wakes.wait(LOOK_EVERY_MS, signal)
          const asked = wakes.drain()
          const end = signal.aborted ? 'ended' : await look()
          for (const looked of asked) looked()
          if (end !== null) return end
        }
        return 'ended'
      } finally {
        isLooking = false
        for (const looked of wakes.drain()) looked()
      }
    },
  }
}
