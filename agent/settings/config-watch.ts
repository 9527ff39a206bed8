import { asProblem } from '../../problems/problem.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import type { FileChange, FileWatch } from '../../system/files/file-watch.ts'
import type { Log } from '../../system/process/log.ts'
import { type AgentConfig, agentConfigPath, leavingConfigPath, readAgentConfig } from './config.ts'

/** Watches agent.yaml for as long as the agent runs. */
export interface ConfigWatch {
  /** Looks at once, not in two seconds; ends when what is found is taken, or when nobody looks any more. */
  readonly recheck: () => Promise<void>
  /**
   * Ends when the signal says so; when agent.yaml is gone, since this machine has left its hub; or when agent.yaml says
   * that this machine has joined again.
   */
  readonly run: (signal: AbortSignal) => Promise<WatchEnd>
}

export type WatchEnd = 'ended' | 'left' | 'joined-again'

/**
 * @param keep is called with each good one, to be begun with when it is not so any more.
 * @param file agent.yaml's, watched since before it was read.
 * @param take gets every good configuration, and says whether it is of another join; a bad one is logged, and the last
 *   good one stays.
 */
export function watchConfig(
  configDir: string,
  file: FileWatch,
  take: (config: AgentConfig) => 'taken' | 'joined-again',
  refused: (why: string) => void,
  log: Log,
  keep: () => Promise<void> = async () => undefined,
): ConfigWatch {
  const path = agentConfigPath(configDir)

  /** @returns null while the watch goes on. */
  async function follow(change: FileChange): Promise<WatchEnd | null> {
    switch (change) {
      case 'same':
        return null
      case 'missing':
        return (await stampOf(leavingConfigPath(configDir))) === 'gone' ? null : 'left'
      case 'gone':
        return 'left'
      case 'changed':
        return await takeChanged()
      default:
        return change satisfies never
    }
  }

  async function takeChanged(): Promise<WatchEnd | null> {
    try {
      const taken = take(await readAgentConfig(configDir))
      await keep()
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
    recheck: file.recheck,
    run: async (signal) => {
      for await (const change of file.looks(signal)) {
        const end = await follow(change)
        if (end !== null) return end
      }
      return 'ended'
    },
  }
}
