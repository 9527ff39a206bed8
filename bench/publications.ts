/**
 * What ten thousand publications cost a visitor beside ten, and how soon an added one leads home; beside them the same
 * traffic through a TCP proxy in user space on the hub. One hub, its store in turns with ten and ten thousand.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Publication } from '../protocol/publications.ts'
import { createLab } from '../test/lab/lab.ts'
import type { LabProcess } from '../test/lab/host/process.ts'
import { askService, serveEcho } from '../test/lab/host/service.ts'
import { buildJoinedHome } from './joined-home.ts'
import { median, report } from './report.ts'

const ROUNDS = 6
const FEW = 10
const MANY = 10_000
const ADDED = 15
const TOLERANCE = 0.1
const LIVE_MS = 200

const PORTS = {
  iperf: 5_201,
  iperfBehindProxy: 5_202,
  echo: 8_123,
  proxyIperf: 6_201,
  proxyEcho: 6_123,
  first: 20_000,
  added: 40_000,
}

/** New connections a second: each waits for the service's first words and is reset, so that no port waits (TIME_WAIT). */
const CONNECTS = `
const [host, port, seconds] = process.argv.slice(1)
const { connect } = require('node:net')
let done = 0, failed = 0, ended = false
const one = () => {
  if (ended) return
  const socket = connect(Number(port), host)
  socket.once('data', () => { done += 1; socket.resetAndDestroy(); one() })
  socket.once('error', () => { failed += 1; setTimeout(one, 10) })
}
for (let index = 0; index < 16; index += 1) one()
setTimeout(() => { ended = true; console.log(JSON.stringify({ perSecond: done / Number(seconds), failed })); process.exit(0) }, Number(seconds) * 1000)
`

const PROXY = `
const net = require('node:net')
const pairs = JSON.parse(process.argv[1])
for (const [port, target] of pairs)
  net.createServer((from) => {
    const to = net.connect(target, '10.86.0.2')
    from.on('error', () => to.destroy()); to.on('error', () => from.destroy())
    from.on('close', () => to.destroy()); to.on('close', () => from.destroy())
    from.pipe(to); to.pipe(from)
  }).listen(port, '0.0.0.0')
setTimeout(() => console.log('ready'), 200)
`

/** Asks the daemon, and says in how many milliseconds it had answered. */
const ASK = `
const [path, input] = process.argv.slice(1)
const began = performance.now()
const socket = require('node:net').connect(path, () => socket.write(JSON.stringify({ verb: 'publication-add', input: JSON.parse(input) }) + '\\n'))
let text = ''
socket.on('data', (part) => { text += part; if (text.endsWith('\\n')) { console.log(JSON.stringify({ ms: performance.now() - began, problem: JSON.parse(text).problem })); process.exit(0) } })
`

const lab = await createLab()
try {
  const picture = await buildJoinedHome(lab)
  const { hub, home, visitor, hubAddress } = picture
  const storePath = join(hub.disk.stateDir, 'store.json')
  const agent = home.pi.startHomeward(['run'])
  await agent.waitForLine(/the tunnel is up/, { timeoutMs: 30_000 })
  await serveEcho(home.pi, 'pi', PORTS.echo)
  // It takes one client at a time, and the hub asks what listens there, the proxy, whether it is ssh.
  for (const port of [PORTS.iperf, PORTS.iperfBehindProxy])
    await home.pi.start('iperf3', ['--server', '--forceflush', '--port', String(port)]).waitForLine(/Server listening/)
  const proxied = JSON.stringify([
    [PORTS.proxyIperf, PORTS.iperfBehindProxy],
    [PORTS.proxyEcho, PORTS.echo],
  ])
  await hub.start(process.execPath, ['-e', PROXY, proxied]).waitForLine(/^ready$/)
  let daemon: LabProcess = picture.hubDaemon

  async function publish(count: number): Promise<void> {
    await daemon.stop()
    const store = JSON.parse(await readFile(storePath, 'utf8')) as { publications: Publication[] }
    const ports = [PORTS.iperf, PORTS.echo, ...Array.from({ length: count - 2 }, (_, index) => PORTS.first + index)]
    const publications = ports.map((port): Publication => {
      const [protocol, source, addedAt] = ['tcp', 'hide', new Date(0).toISOString()] as const
      return { protocol, port, lastPort: port, address: '10.86.0.2', targetPort: port, source, home: 'cabin', addedAt }
    })
    await writeFile(storePath, JSON.stringify({ ...store, publications }), { mode: 0o600 })
    daemon = hub.startHomeward(['hub', 'run'])
    await daemon.waitForLine(/the hub is ready/, { timeoutMs: 30_000 })
  }

  async function connects(port: number): Promise<number> {
    const { stdout } = await visitor.run(process.execPath, ['-e', CONNECTS, hubAddress, String(port), '2'])
    return (JSON.parse(stdout) as { perSecond: number }).perSecond
  }

  async function megabits(port: number): Promise<number> {
    const args = ['--client', hubAddress, '--port', String(port), '--time', '2', '--omit', '1', '--json']
    const { stdout } = await visitor.run('iperf3', args, { timeoutMs: 30_000 })
    const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } }
    return end.sum_received.bits_per_second / 1e6
  }

  const seen = { few: newSeries(), many: newSeries(), proxy: newSeries() }
  for (let round = 0; round < ROUNDS; round += 1) {
    const turns = [
      async () => {
        await publish(FEW)
        await measure(seen.few, PORTS.echo, PORTS.iperf)
      },
      async () => {
        await publish(MANY)
        await measure(seen.many, PORTS.echo, PORTS.iperf)
      },
      () => measure(seen.proxy, PORTS.proxyEcho, PORTS.proxyIperf),
    ]
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn()
  }

  async function measure(into: Series, echo: number, bulk: number): Promise<void> {
    into.connects.push(await connects(echo))
    into.megabits.push(await megabits(bulk))
  }

  await publish(MANY)
  const added: number[] = []
  for (let index = 0; index < ADDED; index += 1) {
    const port = PORTS.added + index
    const range = { protocol: 'tcp', port, lastPort: port, address: '10.86.0.2', targetPort: PORTS.echo }
    const input = JSON.stringify({ ...range, source: 'hide', home: null })
    const { stdout } = await hub.run(process.execPath, ['-e', ASK, '/run/homeward/hub.sock', input])
    const answer = JSON.parse(stdout) as { ms: number; problem?: unknown }
    if (answer.problem !== undefined) throw new Error(stdout)
    if ((await askService(visitor, 'tcp', hubAddress, port)) === null)
      throw new Error(`${port} was not live when it was said`)
    added.push(answer.ms)
  }

  const ratio = (key: keyof Series): number => median(seen.many[key]) / median(seen.few[key])
  const isSame = (value: number): boolean => Math.abs(value - 1) <= TOLERANCE
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`
  report(`publications: medians of ${ROUNDS} rounds in turns, ${MANY} beside ${FEW}`, [
    {
      what: 'new connections',
      measured: `${median(seen.many.connects).toFixed(0)}/s, ${percent(ratio('connects'))} of those with ${FEW}`,
      yardstick: `${median(seen.proxy.connects).toFixed(0)}/s through a proxy`,
      reach: '± 10 %',
      met: isSame(ratio('connects')),
    },
    {
      what: 'throughput',
      measured: `${median(seen.many.megabits).toFixed(0)} Mbit/s, ${percent(ratio('megabits'))} of that with ${FEW}`,
      yardstick: `${median(seen.proxy.megabits).toFixed(0)} Mbit/s through a proxy`,
      reach: '± 10 %',
      met: isSame(ratio('megabits')),
    },
    {
      what: `one more beside ${MANY}`,
      measured: `live after ${median(added).toFixed(0)} ms, worst of ${ADDED} ${Math.max(...added).toFixed(0)} ms`,
      yardstick: 'from the question to the daemon until it answered, each then asked by a visitor',
      reach: `≤ ${LIVE_MS} ms`,
      met: Math.max(...added) <= LIVE_MS,
    },
  ])
} finally {
  await lab.close()
}

interface Series {
  readonly connects: number[]
  readonly megabits: number[]
}

function newSeries(): Series {
  return { connects: [], megabits: [] }
}
