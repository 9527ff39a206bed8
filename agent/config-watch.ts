import { asProblem } from '../problems/problem.ts'
import { stampOf } from '../system/file-stamp.ts'
import type { Log } from '../system/log.ts'
import { type AgentConfig, agentConfigPath, leavingConfigPath, readAgentConfig } from './config.ts'
import { makeInbox } from './inbox.ts'

/** Looks at agent.yaml for as long as the agent runs. */
export interface ConfigWatch {
  /** Look now, not in two seconds. */
  readonly recheck: () => void
  /** Ends when the signal says so, or when agent.yaml is gone: this machine has left its hub. */
  readonly run: (signal: AbortSignal) => Promise<'ended' | 'left'>
}

const LOOK_EVERY_MS = 2_000

/** @param take gets every good configuration; a bad one is logged, and the last good one stays. */
export function watchConfig(
  configDir: string,
  stampAtStart: string,
  take: (config: AgentConfig) => void,
  refused: (why: string) => void,
  log: Log,
): ConfigWatch {
  const path = agentConfigPath(configDir)
  const wakes = makeInbox<'now'>()

  return {
    recheck: () => wakes.put('now'),
    run: async (signal) => {
      let stamp = stampAtStart
      while (!signal.aborted) {
        await wakes.wait(LOOK_EVERY_MS, signal)
        wakes.drain()
        if (signal.aborted) break
        const before = stamp
        stamp = await stampOf(path)
        if (stamp === 'gone') {
          if ((await stampOf(leavingConfigPath(configDir))) !== 'gone') return 'left'
          // Some editors remove the file before they write it anew: gone is what is gone twice.
          if (before === 'gone') return 'left'
          continue
        }
        if (stamp === before) continue
        try {
          take(await readAgentConfig(configDir))
          log.info({ path }, 'took the new configuration')
        } catch (thrown) {
          const { code, message } = asProblem(thrown, `reading ${path}`)
          log.error({ code }, `${message} The last good configuration stays in force.`)
          refused(message)
        }
      }
      return 'ended'
    },
  }
}
