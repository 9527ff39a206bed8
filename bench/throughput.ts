/**
 * The data path against bare WireGuard between the same two hosts, in the same run, taking turns: since no packet
 * passes through homeward's processes, they must not differ.
 */
import { createLab } from '../test/lab/lab.ts'
import { BARE, layBareWireguard } from './bare-wireguard.ts'
import { buildJoinedHome } from './joined-home.ts'
import { median, type Row, report } from './report.ts'

const ROUNDS = 12
const SECONDS_PER_RUN = 3
const REACH = 0.95

const DIRECTIONS = [
  { what: 'hub → home', options: [] },
  { what: 'home → hub', options: ['--reverse'] },
] as const

interface IperfReport {
  readonly end: { readonly sum_received?: { readonly bits_per_second: number } }
  readonly error?: string
}

const lab = await createLab()
try {
  const { hub, home, hubAddress } = await buildJoinedHome(lab)
  await layBareWireguard(hub, home.pi, hubAddress)
  const agent = home.pi.startHomeward(['run'])
  const server = home.pi.start('iperf3', ['--server', '--forceflush'])
  await server.waitForLine(/Server listening/)

  const megabits = async (address: string, options: readonly string[]): Promise<number> => {
    const args = ['--client', address, '--time', String(SECONDS_PER_RUN), '--omit', '1', '--json', ...options]
    const { stdout } = await hub.run('iperf3', args, { timeoutMs: 30_000, allowFailure: true })
    const { end, error } = JSON.parse(stdout) as IperfReport
    if (end.sum_received === undefined) throw new Error(`iperf3 to ${address}: ${error ?? stdout}\n${agent.stdout}`)
    return end.sum_received.bits_per_second / 1e6
  }

  const rows: Row[] = []
  for (const { what, options } of DIRECTIONS) {
    const ours: number[] = []
    const bare: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      // In turns, and each first as often as second: the machine is shared, and its speed drifts.
      const turns = [
        async () => ours.push(await megabits('10.86.0.2', options)),
        async () => bare.push(await megabits(BARE.home, options)),
      ]
      for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn()
    }
    const ratio = median(ours) / median(bare)
    rows.push({
      what: `${what}, TCP`,
      measured: `${median(ours).toFixed(0)} Mbit/s, ${(ratio * 100).toFixed(1)} % of bare`,
      yardstick: `${median(bare).toFixed(0)} Mbit/s bare WireGuard`,
      reach: '≥ 95 %',
      met: ratio >= REACH,
    })
  }
  await Promise.all([agent.stop(), server.stop()])
  if (process.env['HOMEWARD_DEBUG'] !== undefined) console.log(agent.stdout)
  report(`data path: median of ${ROUNDS} runs of ${SECONDS_PER_RUN} s in turns`, rows)
} finally {
  await lab.close()
}
