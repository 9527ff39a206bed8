import type { TunnelReading } from '../tunnel/reading.ts'

/**
 * Sums up a home's tunnels for those who ask how the home is: it is reached as well as by its best one, so the first that is
 * up speaks for it, else the first; null: it has none yet.
 */
export function speakerOf(tunnels: readonly TunnelReading[]): TunnelReading | null {
  return tunnels.find(({ watch }) => watch.health.kind === 'up') ?? tunnels[0] ?? null
}
