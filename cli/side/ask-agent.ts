import { agentConfigPath, whyNotJoined } from '../../agent/settings/config.ts'
import { agentSocketPath } from '../../agent/settings/socket-path.ts'
import { Problem } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import { askLocal } from '../../system/sockets/local-socket.ts'
import { howToStart } from './how-to-start.ts'
import { refuseOnOther } from './other-machine.ts'
import type { Context } from '../context.ts'

/** Asks this machine's agent. @throws {Problem} `agent-not-running`, `no-answer`, or the agent's own. */
export async function askAgent(context: Context, verb: string, timeoutMs = 10_000): Promise<unknown> {
  const reply = await askLocal(agentSocketPath(context.runtimeDir), verb, null, timeoutMs)
  if (reply !== null) return reply.answer
  await refuseOnOther('home', context, 'asking the agent', 'agent-not-running')
  const joined = await isThere(agentConfigPath(context.configDir))
  throw new Problem('agent-not-running', {
    what: 'asking the agent',
    ...(joined
      ? { why: 'no agent is running on this machine', next: `Start it: ${await howToStart('home')}` }
      : { next: 'Run homeward join TOKEN with a token from your hub', ...(await whyNotJoined(context.configDir)) }),
  })
}
