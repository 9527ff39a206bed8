import { randomInt } from 'node:crypto'
import { sleep } from '../../system/time/sleep.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { type Heard, type HeartbeatTarget, openHeartbeats } from './heartbeat.ts'
import { heartbeatTarget } from './heartbeat-target.ts'

export interface Patience {
  readonly everyMs: number
  readonly atMostMs: number
}

/** How long a tunnel that carries has to answer: some round trips, and two lost heartbeats. */
const LIVING: Patience = { everyMs: 250, atMostMs: 1_000 }

/** Whether the tunnel carries at this moment: a heartbeat comes back through it. */
export async function isAnswered(config: TunnelConfig, signal: AbortSignal): Promise<boolean> {
  return (await firstAnswer(heartbeatTarget(config), LIVING, signal)) !== null
}

/**
 * Sends heartbeats of its own until one is answered: out through the tunnel, and back.
 * @param accepts which answers count; default: all.
 * @returns null when no answer was in time, or when the signal came first.
 */
export async function firstAnswer(
  target: HeartbeatTarget,
  { everyMs, atMostMs }: Patience,
  signal: AbortSignal,
  accepts: (heard: Heard) => boolean = () => true,
): Promise<Heard | null> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  let first: Heard | null = null
  const heartbeats = openHeartbeats(target, (heard) => {
    if (first !== null || !accepts(heard)) return
    first = heard
    end()
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
  return first
}
