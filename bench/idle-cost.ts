/**
 * What an idle tunnel costs: bytes on the wire a day, memory and CPU of the agent, and how fast an agent that starts
 * with its interface in place is ready. `--minutes N` (10 unless said otherwise); beside it bare WireGuard with
 * keepalive 25 between the same two hosts.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Host } from '../test/lab/host/host.ts'
import { createLab } from '../test/lab/lab.ts'
import { BARE, layBareWireguard } from './bare-wireguard.ts'
import { buildJoinedHome } from './joined-home.ts'
import { cpuSeconds, readProcess, writtenBytes } from './process-cost.ts'
import { median, report } from './report.ts'

const STARTS = 7
const DAY_SECONDS = 86_400
const minutes = Number(/--minutes[ =](\d+)/.exec(process.argv.join(' '))?.[1] ?? 10)

const lab = await createLab()
try {
  const picture = await buildJoinedHome(lab)
  const { hub, internet, home, hubAddress } = picture
  await layBareWireguard(hub, home.pi, hubAddress)

  const readyMs: number[] = []
  for (let start = 0; start < STARTS; start += 1) {
    const began = performance.now()
    const agent = home.pi.startHomeward(['run'])
    await agent.waitForLine(/"to":"up"/, { timeoutMs: 30_000 })
    readyMs.push(performance.now() - began)
    await agent.stop()
  }

  const agent = home.pi.startHomeward(['run'], { env: await unitEnvironment('systemd/homeward.service') })
  await agent.waitForLine(/"to":"up"/, { timeoutMs: 30_000 })
  // Measured once a week, it takes five minutes; a day must not be reckoned from them.
  await agent.waitForLine(/measured how long this line keeps/, { timeoutMs: 900_000 })
  const pid = Number((await home.pi.run('pgrep', ['-f', 'homeward.js run$'])).stdout.trim().split('\n')[0])
  await countTraffic(internet, hubAddress)
  const cpuBefore = await cpuSeconds(home.pi, pid)
  const writtenBefore = await writtenBytes(home.pi, pid)
  const loggedBefore = agent.stdout.length
  const began = performance.now()
  await wait(minutes * 60_000)
  const seconds = (performance.now() - began) / 1000
  const bytes = await countedBytes(internet)
  const cpu = ((await cpuSeconds(home.pi, pid)) - cpuBefore) / seconds
  const written = (await writtenBytes(home.pi, pid)) - writtenBefore
  const logged = agent.stdout.slice(loggedBefore).split('\n').length - 1
  const { rssMb, anonymousMb } = await readProcess(home.pi, pid)
  await agent.stop()

  const aDay = (amount: number): number => (amount / seconds) * DAY_SECONDS
  const perDay = (name: string): number => aDay((bytes.get(name) ?? 0) / 1e6)
  const total = perDay('tunnel') + perDay('registrar')
  report(`an idle home, ${minutes} minutes`, [
    {
      what: 'bytes on the wire, IP and up',
      measured: `${total.toFixed(2)} MB a day (${perDay('registrar').toFixed(2)} of it registration)`,
      yardstick: `${perDay('bare').toFixed(2)} MB bare WireGuard, keepalive 25`,
      reach: '≤ 5 MB a day',
      met: total <= 5 && total > 0,
    },
    {
      what: 'CPU of the agent and what it calls',
      measured: `${(cpu * 100).toFixed(2)} % of one core`,
      yardstick: '',
      reach: '≤ 0.5 %',
      met: cpu <= 0.005,
    },
    {
      what: 'written to storage by the agent',
      measured: `${aDay(written / 1e6).toFixed(2)} MB a day, ${aDay(logged).toFixed(0)} lines of its log a day`,
      yardstick: `${written / 1024} KiB and ${logged} lines in these minutes`,
      reach: '≤ 1 MB, ≤ 20 lines a day',
      met: aDay(written) <= 1e6 && aDay(logged) <= 20,
    },
    {
      what: 'memory of the agent',
      measured: `${rssMb.toFixed(1)} MB RSS, ${anonymousMb.toFixed(1)} MB anonymous`,
      yardstick: `${await bareNodeMb(home.pi)} MB RSS a bare Node`,
      reach: '≤ 62, ≤ 20 MB',
      met: rssMb <= 62 && anonymousMb <= 20,
    },
    {
      what: 'start to first heartbeat answered',
      measured: `median ${median(readyMs).toFixed(0)} ms, worst ${Math.max(...readyMs).toFixed(0)} ms`,
      yardstick: `${STARTS} starts`,
      reach: '≤ 2000 ms',
      met: Math.max(...readyMs) <= 2000,
    },
  ])
} finally {
  await lab.close()
}

/** Counts where everybody's packets pass, as a metered line would: IP packets with their headers. */
async function countTraffic(internet: Host, hubAddress: string): Promise<void> {
  const pairs = [
    ['tunnel', 'udp', 51_820],
    ['registrar', 'tcp', 51_820],
    ['bare', 'udp', BARE.port],
  ] as const
  const rules = pairs.flatMap(([name, protocol, port]) => [
    `ip daddr ${hubAddress} ${protocol} dport ${port} counter name ${name}`,
    `ip saddr ${hubAddress} ${protocol} sport ${port} counter name ${name}`,
  ])
  await internet.run('nft', ['-f', '-'], {
    input: `table ip bench {
${pairs.map(([name]) => `  counter ${name} { }`).join('\n')}
  chain forward {
    type filter hook forward priority 0
    ${rules.join('\n    ')}
  }
}
`,
  })
}

async function countedBytes(internet: Host): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await internet.run('nft', ['-j', 'list', 'counters', 'table', 'ip', 'bench'])
  const { nftables } = JSON.parse(stdout) as { nftables: readonly { counter?: { name: string; bytes: number } }[] }
  return new Map(nftables.flatMap(({ counter }) => (counter === undefined ? [] : [[counter.name, counter.bytes]])))
}

/** What the unit gives its daemon (systemd.exec(5), Environment=). */
async function unitEnvironment(path: string): Promise<Readonly<Record<string, string>>> {
  const unit = await readFile(path, 'utf8')
  const lines = [...unit.matchAll(/^Environment="?([^=\n]+)=([^"\n]*)"?$/gm)]
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]))
}

/** What Node itself takes before a line of ours: the floor under any number above. */
async function bareNodeMb(host: Host): Promise<string> {
  const program = 'setTimeout(() => console.log(process.memoryUsage.rss()), 2000)'
  const { stdout } = await host.run(process.execPath, ['-e', program])
  return (Number(stdout) / 1e6).toFixed(1)
}
