import type { Host } from '../../lab/host/host.ts'

/** What the kernel tells of the LAN's cable: everything that took it away, however shortly. */
export interface LanWitness {
  readonly interruptions: () => readonly string[]
  readonly end: () => Promise<void>
}

const CABLE = 'lan0'

/** Watches from now on (ip-monitor(8)): a look afterwards would miss a LAN that came back. */
export async function watchLan(router: Host): Promise<LanWitness> {
  const monitor = router.start('stdbuf', ['-oL', 'ip', '-o', 'monitor', 'link', 'address'])
  // Its first word shows that it listens.
  for (let alias = 0; monitor.stdout === ''; alias += 1)
    await router.run('ip', ['link', 'set', 'dev', CABLE, 'alias', `watched ${alias}`])
  return {
    interruptions: () =>
      monitor.stdout.split('\n').filter((line) => line.includes(` ${CABLE}`) && /^Deleted|state DOWN/.test(line)),
    end: async () => void (await monitor.stop()),
  }
}
