/**
 * What 1,000 homes with a heartbeat each 5 s cost the hub's daemon. It is the real daemon on an interface with 1,000
 * real peers. The heartbeats come from the homes' tunnel addresses, put on the hub's loopback for this: a thousand
 * WireGuards would need more cores than the thing measured. Beside it, the same daemon while nobody asks.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../test/lab/host/host.ts'
import { createLab } from '../test/lab/lab.ts'
import { privateKeyFrom } from '../wireguard/keys.ts'
import { publicKeyOf } from '../wireguard/public-key.ts'
import { cpuSeconds, readProcess } from './process-cost.ts'
import { report } from './report.ts'

const HOMES = 1000
const INTERVAL_SECONDS = 5
const MEASURE_SECONDS = 60

/** Sends and counts heartbeats as all homes would, spread evenly over the interval; runs on the hub's host. */
const HOMES_PROGRAM = `
const { createSocket } = require('node:dgram')
const [, homes, intervalMs] = process.argv.map(Number)
let sent = 0, answered = 0, slowest = 0, sequence = 0
for (let home = 0; home < homes; home += 1) {
  const address = '10.86.' + Math.floor((home + 2) / 256) + '.' + ((home + 2) % 256)
  const socket = createSocket('udp4')
  const underWay = new Map()
  socket.on('message', (datagram) => {
    const sentAt = underWay.get(datagram.readUInt32BE(4))
    if (sentAt === undefined) return
    underWay.delete(datagram.readUInt32BE(4))
    answered += 1
    slowest = Math.max(slowest, performance.now() - sentAt)
  })
  socket.bind({ address, port: 0 }, () => setTimeout(() => {
    const beat = () => {
      const request = Buffer.alloc(12)
      request.set([0x68, 0x77, 1, 1])
      request.writeUInt32BE(sequence = (sequence + 1) >>> 0, 4)
      underWay.set(sequence, performance.now())
      sent += 1
      socket.send(request, 8686, '10.86.0.1')
    }
    beat()
    setInterval(beat, intervalMs)
  }, (home * intervalMs) / homes))
}
process.stdin.on('data', () => { console.log(JSON.stringify({ sent, answered, slowest })); process.exit() })
`

const lab = await createLab()
try {
  const [hub] = await lab.addHosts([{ name: 'hub' }])
  if (hub === undefined) throw new Error('the laboratory has no hub')
  await hub.homeward(['hub', 'init', '--address', '203.0.113.10', '--yes'])
  await writeStore(hub)
  const daemon = hub.startHomeward(['hub', 'run'])
  await daemon.waitForLine(/answering heartbeats/, { timeoutMs: 60_000 })
  const pid = Number((await hub.run('pgrep', ['-f', 'hub run$'])).stdout.trim().split('\n')[0])

  const idle = await share(hub, pid)
  await hub.run('ip', ['-batch', '-'], {
    input: homeAddresses()
      .map((address) => `addr add ${address}/32 dev lo\n`)
      .join(''),
  })
  const homes = hub.start(process.execPath, ['-e', HOMES_PROGRAM, String(HOMES), String(INTERVAL_SECONDS * 1000)])
  const busy = await share(hub, pid)
  homes.write('stop\n')
  await homes.exited
  const { sent, answered, slowest } = JSON.parse(homes.stdout) as { sent: number; answered: number; slowest: number }
  const { rssMb, anonymousMb } = await readProcess(hub, pid)
  await daemon.stop()

  report(`hub: ${HOMES} homes, a heartbeat each ${INTERVAL_SECONDS} s, for ${MEASURE_SECONDS} s`, [
    {
      what: 'daemon and the wg it calls, share of one core',
      measured: percent(busy),
      yardstick: `${percent(idle)} with nobody asking`,
      reach: '≤ 20 %',
      met: busy <= 0.2,
    },
    {
      what: 'heartbeats answered',
      measured: `${answered} of ${sent}`,
      yardstick: `slowest ${slowest.toFixed(1)} ms`,
      reach: '≥ 99.9 %',
      met: answered >= sent * 0.999 && sent >= HOMES * 10,
    },
    {
      what: 'memory of the daemon',
      measured: `${rssMb.toFixed(0)} MB RSS, ${anonymousMb.toFixed(0)} MB anonymous`,
      yardstick: '',
      reach: '≤ 128 MB RSS',
      met: rssMb <= 128,
    },
  ])
} finally {
  await lab.close()
}

/** The share of one core over the measured time, with the children that were waited for. */
async function share(host: Host, pid: number): Promise<number> {
  const [before, from] = [await cpuSeconds(host, pid), performance.now()]
  await new Promise((resolve) => {
    setTimeout(resolve, MEASURE_SECONDS * 1000)
  })
  return ((await cpuSeconds(host, pid)) - before) / ((performance.now() - from) / 1000)
}

function homeAddresses(): readonly string[] {
  return Array.from({ length: HOMES }, (_, home) => `10.86.${Math.floor((home + 2) / 256)}.${(home + 2) % 256}`)
}

async function writeStore(host: Host): Promise<void> {
  const homes = homeAddresses().map((address, home) => ({
    name: `home-${home}`,
    address,
    publicKey: publicKeyOf(privateKeyFrom(randomBytes(32))),
    secretHash: randomBytes(32).toString('hex'),
    lan: [],
    joinedAt: new Date().toISOString(),
  }))
  await mkdir(host.disk.stateDir, { recursive: true })
  const document = { schema: 1, homes, invites: [], devices: [] }
  await writeFile(join(host.disk.stateDir, 'store.json'), JSON.stringify(document), { mode: 0o600 })
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`
}
