import { randomInt } from 'node:crypto'
import { sleep } from '../../system/time/sleep.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { openHeartbeats } from './heartbeat.ts'
import { heartbeatTarget } from './heartbeat-target.ts'

export interface Patience {
  readonly everyMs: number
  readonly atMostMs: number
}

/** How long a tunnel that carries has to answer: some round trips, and two lost heartbeats. */
export const LIVING: Patience = { everyMs: 250, atMostMs: 1_000 }

/**
 * Whether the tunnel carries at this moment: sends heartbeats of its own until one is answered, out through the tunnel
 * and back.
 * @param carries proves the tunnel where the hub's daemon does not answer; asked after a refusal, which proves nothing by
 * itself. Default: only an answer counts.
 * @returns false when no answer was in time, or when the signal came first.
 */
export async function isAnswered(
  config: TunnelConfig,
  { everyMs, atMostMs }: Patience,
  signal: AbortSignal,
  carries: (signal: AbortSignal) => Promise<boolean> = () => Promise.resolve(false),
): Promise<boolean> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  let isProven = false
  let isProving = false

  async function prove(): Promise<void> {
    if (isProving) return
    isProving = true
    if (await carries(ended.signal)) noteProven()
    isProving = false
  }

  function noteProven(): void {
    isProven = true
    end()
  }

  const heartbeats = openHeartbeats(heartbeatTarget(config), (heard) => {
    if (heard === 'refused') void prove()
    else noteProven()
  })
  // Not AbortSignal.any with AbortSignal.timeout: Node 20 may collect that before it fires.
  signal.addEventListener('abort', end)
  const timer = setTimeout(end, atMostMs)
  const began = randomInt(2 ** 32)
  try {
    for (let sent = 0; !ended.signal.aborted && !signal.aborted; sent += 1) {
      heartbeats.send((began + sent) % 2 ** 32)
      await sleep(everyMs, ended.signal)
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    heartbeats.close()
  }
  return isProven
}
