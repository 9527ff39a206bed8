import type { Status } from '../../agent/report/status.ts'
import { sleep } from '../../system/time/sleep.ts'
import { askAgent } from '../side/ask-agent.ts'
import type { Context } from '../context.ts'
import { printStyled, printStyledAgain } from '../output.ts'
import { statusText } from './status-text.ts'

export interface StatusOptions {
  readonly watch?: boolean
}

/** `homeward status`. Exit status 0 when the tunnel is up, 2 while it is degraded, 1 when it is offline. */
export async function status(context: Context, { watch }: StatusOptions): Promise<void> {
  if (watch !== true) {
    const facts = await ask(context)
    printStyled(context, facts, statusText)
    process.exitCode = exitStatus(facts)
    return
  }
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ending.abort())
  while (!ending.signal.aborted) {
    const facts = await ask(context)
    printStyledAgain(context, facts, statusText)
    process.exitCode = exitStatus(facts)
    await sleep(2_000, ending.signal)
  }
}

async function ask(context: Context): Promise<Status> {
  return (await askAgent(context, 'status')) as Status
}

function exitStatus({ tunnel, stale }: Status): number {
  if (stale === true) return 2
  switch (tunnel.state) {
    case 'up':
      return 0
    case 'starting':
    case 'doubtful':
    case 'healing':
      return 2
    case 'offline':
      return 1
    default:
      return tunnel.state satisfies never
  }
}
