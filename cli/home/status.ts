import type { Status } from '../../agent/report/status.ts'
import { askAgent } from '../side/ask-agent.ts'
import type { Context } from '../context.ts'
import { printStyled, printStyledAgain } from '../output.ts'
import { upgradedIn } from '../upgrade/went-back.ts'
import { again } from '../watch.ts'
import { statusText } from './status-text.ts'

export interface StatusOptions {
  readonly watch?: boolean
}

/** `homeward status`. Exit status 0 when the tunnel is up, 2 while it is degraded, 1 when it is offline. */
export async function status(context: Context, { watch }: StatusOptions): Promise<void> {
  const show = async (print: typeof printStyled): Promise<void> => {
    const facts = (await askAgent(context, 'status')) as Status
    print(context, { ...facts, ...(await upgradedIn(context.stateDir)) }, (shown) => statusText(shown))
    process.exitCode = exitStatus(facts)
  }
  if (watch === true) await again(() => show(printStyledAgain))
  else await show(printStyled)
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
