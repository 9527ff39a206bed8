import type { TunnelReading } from '../tunnel/reading.ts'

/**
 * The tunnel that speaks for the home: a home is reached as well as by its best tunnel, so the first that is up, else
 * the first; null: it has none yet.
 */
export function speakerOf(tunnels: readonly TunnelReading[]): TunnelReading | null {
  return tunnels.find(({ watch }) => watch.health.kind === 'up') ?? tunnels[0] ?? null
}
