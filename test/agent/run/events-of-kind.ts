import type { Host } from '../../lab/host/host.ts'

/** As `homeward events` prints them. */
export async function eventsOfKind(host: Host, kind: string): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await host.homeward(['events', '--json'])
  const { events } = JSON.parse(stdout) as { events: readonly Record<string, unknown>[] }
  return events.filter((event) => event['kind'] === kind)
}
