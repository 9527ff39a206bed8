import { lookFirst } from '../../agent/tunnel/plan/look-first.ts'
import { systemClock } from '../../system/time/clock.ts'
import type { Context } from '../context.ts'
import { tell } from '../output.ts'
import { openHome } from './open-home.ts'

/**
 * Waits for what ends by itself on the home's router, such as LuCI's timer: what the hub or agent.yaml is told now, the
 * agent can follow only then. Of anything else that is in the way the agent speaks itself.
 * @throws {Problem} `config-*`, `no-root`.
 */
export async function awaitRouter(context: Context): Promise<void> {
  const { adapter, config } = await openHome(context)
  try {
    // No other kind has such a timer.
    if (config.router.kind !== 'openwrt') return
    const signal = new AbortController().signal
    await lookFirst(adapter, config.interface, { tell, clock: systemClock, signal }).catch(() => undefined)
  } finally {
    await adapter.close()
  }
}
