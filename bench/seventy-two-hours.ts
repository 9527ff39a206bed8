/**
 * Whether agent and hub grow: both under random faults, one each twenty simulated minutes, for 72 simulated hours. Between
 * faults their clocks jump (bench/movable-clock.ts), so what takes real work is done and what only waits is not waited for.
 * `--cycles N` (216), `--seed N` (1), `--json`. The slopes are those of the last two thirds.
 */
import { dirname, join } from 'node:path'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { sleep } from '../system/time/sleep.ts'
import { inviteHome } from '../test/agent/lab-home.ts'
import {
  deleteAddress,
  deleteFirewall,
  deleteInterface,
  deleteRoutes,
  misdirectEndpoint,
  removePeer,
} from '../test/lab/faults/drifts.ts'
import { changeWanAddress, dropThisFlow, forgetMapping, outage } from '../test/lab/faults/faults.ts'
import type { Host } from '../test/lab/host/host.ts'
import { homewardCommand } from '../test/lab/homeward.ts'
import { createLab } from '../test/lab/lab.ts'
import { buildPicture, type Picture } from '../test/lab/picture.ts'
import { type Row, report } from './report.ts'

const CYCLE_MINUTES = 20
const WAIT_MS = 90_000

/**
 * What is counted, and how much it may grow in an hour: over 72 hours less than 5 MB of memory, four descriptors or
 * processes, and 300 KB of files, which are bounded besides.
 */
const LIMITS = {
  'RSS, KiB': 64,
  'anonymous memory, KiB': 64,
  'heap after collection, KiB': 16,
  descriptors: 0.05,
  /** Of the whole host, the look's own among them each time: an orphan shows as growth. */
  'processes of the host': 0.05,
  'files kept': 0.1,
  'bytes kept': 4096,
  'nftables lines': 0.05,
  'policy rules': 0.05,
  routes: 0.05,
} as const
type Count = keyof typeof LIMITS
type Sample = Readonly<Record<Count, number>>

interface Watched {
  readonly name: string
  readonly host: Host
  readonly pid: number
  readonly samples: Sample[]
}

const cycles = Number(optionOf('--cycles') ?? (72 * 60) / CYCLE_MINUTES)
const seed = Number(optionOf('--seed') ?? 1)
const random = seeded(seed)

const lab = await createLab()
try {
  const picture = await buildPicture(lab)
  const { hub, home } = picture
  await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
  const atHub = await startWatched('hub', hub, ['hub', 'run'], /the hub is ready/)
  const token = await inviteHome(picture)
  await home.pi.homeward(['join', token, '--lan', home.lan.prefix, '--yes'], { timeoutMs: 120_000 })
  const atHome = await startWatched('agent', home.pi, ['run'], /the tunnel is up/)
  await untilReached(picture)
  const met = new Map<string, number>()
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const began = performance.now()
    const [name, fault] = pick(faultsOf(picture))
    met.set(name, (met.get(name) ?? 0) + 1)
    await fault()
    await untilReached(picture)
    const aheadMs = Math.max(0, CYCLE_MINUTES * 60_000 - (performance.now() - began) - 3000)
    await Promise.all([atHub, atHome].map((one) => jump(one, aheadMs)))
    // What was due does its work, and the tunnel is looked at as after a suspend.
    await sleep(2500)
    await untilReached(picture)
    for (const one of [atHub, atHome]) one.samples.push(await sampleOf(one))
    console.error(`${cycle + 1} of ${cycles}: ${name}, ${JSON.stringify(atHome.samples.at(-1))}`)
  }
  const hours = ((cycles * CYCLE_MINUTES) / 60).toFixed(1)
  const kinds = [...met].map(([name, times]) => `${name} ${times}`).join(', ')
  report(
    `${hours} simulated hours, ${cycles} faults (${kinds}), seed ${seed}: growth an hour`,
    [atHub, atHome].flatMap(rowsOf),
  )
} finally {
  await lab.close()
}

function faultsOf({ hub, home }: Picture): readonly (readonly [string, () => Promise<unknown>])[] {
  const { pi } = home
  return [
    ['interface deleted', () => deleteInterface(pi)],
    ['address deleted', () => deleteAddress(pi)],
    ['routes deleted', () => deleteRoutes(pi)],
    ['firewall deleted', () => deleteFirewall(pi)],
    ['peer removed', () => removePeer(pi)],
    ['endpoint misdirected', () => misdirectEndpoint(pi)],
    ['hub: interface deleted', () => deleteInterface(hub)],
    ['hub: firewall deleted', () => deleteFirewall(hub)],
    ['mapping forgotten', () => forgetMapping(home, { pool: 'other' })],
    ['WAN address changed', () => changeWanAddress(home, { staleSnat: false })],
    ['flow dropped', () => untilHealed(() => dropThisFlow(home))],
    ['outage', () => undoneAfter(() => outage(home), 12_000)],
  ]

  async function untilHealed(begin: () => Promise<() => Promise<void>>): Promise<void> {
    const undo = await begin()
    try {
      await untilReached({ hub, home })
    } finally {
      await undo()
    }
  }
}

async function undoneAfter(begin: () => Promise<() => Promise<void>>, ms: number): Promise<void> {
  const undo = await begin()
  await sleep(ms)
  await undo()
}

async function startWatched(name: string, host: Host, args: readonly string[], ready: RegExp): Promise<Watched> {
  const clock = join(dirname(fileURLToPath(import.meta.url)), 'movable-clock.js')
  const program = ['--expose-gc', '--import', clock, homewardCommand(), ...args]
  const daemon = host.start(process.execPath, program, { env: { MOVABLE_CLOCK: clockFile(host) } })
  await daemon.waitForLine(ready, { timeoutMs: 120_000 })
  const found = await host.run('pgrep', ['-f', `movable-clock.js .*homeward.js ${args.join(' ')}$`])
  return { name, host, pid: Number(found.stdout.trim().split('\n')[0]), samples: [] }
}

function clockFile(host: Host): string {
  return join(host.disk.path, 'movable-clock')
}

async function jump({ name, host, pid }: Watched, ms: number): Promise<void> {
  const heap = `${clockFile(host)}.heap`
  await rm(heap, { force: true })
  await writeFile(clockFile(host), String(Math.round(ms)))
  await host.run('kill', ['-USR2', String(pid)])
  for (const until = performance.now() + WAIT_MS; performance.now() < until; await sleep(50))
    if ((await readFile(heap, 'utf8').catch(() => '')) !== '') return
  throw new Error(`the clock of the ${name} did not jump`)
}

/** The hub's own ping through the tunnel: it comes through only when both ends are right. */
async function untilReached({ hub, home }: Pick<Picture, 'hub' | 'home'>): Promise<void> {
  const [address = ''] =
    /(?<=inet )[\d.]+/.exec((await home.pi.shell('ip -4 address show dev hw0 || true')).stdout) ?? []
  for (const until = performance.now() + WAIT_MS; performance.now() < until; await sleep(300)) {
    const target = address === '' ? await addressOf(home.pi) : address
    if (target === '') continue
    const ping = await hub.run('ping', ['-c', '1', '-W', '1', target], { allowFailure: true })
    if (ping.exitCode === 0) return
  }
  throw new Error('the hub did not reach the home again')
}

async function addressOf(pi: Host): Promise<string> {
  return /(?<=inet )[\d.]+/.exec((await pi.shell('ip -4 address show dev hw0 || true')).stdout)?.[0] ?? ''
}

async function sampleOf({ host, pid }: Watched): Promise<Sample> {
  const { stdout } = await host.shell(`
sed -n 's/^Rss: *\\([0-9]*\\).*/\\1/p' /proc/${pid}/smaps_rollup
sed -n 's/^Anonymous: *\\([0-9]*\\).*/\\1/p' /proc/${pid}/smaps_rollup
ls /proc/${pid}/fd | wc -l
ps -e --no-headers | wc -l
find ${host.disk.configDir} ${host.disk.stateDir} -type f | wc -l
find ${host.disk.configDir} ${host.disk.stateDir} -type f -printf '%s\\n' | awk '{ n += $1 } END { print n + 0 }'
nft list ruleset | wc -l
ip rule | wc -l
ip route show table all | wc -l
`)
  const [rss, anonymous, descriptors, processes, files, bytes, nft, rules, routes] = stdout
    .trim()
    .split('\n')
    .map(Number)
  const heap = Number(await readFile(`${clockFile(host)}.heap`, 'utf8')) / 1024
  const all = [rss, anonymous, heap, descriptors, processes, files, bytes, nft, rules, routes]
  const names = Object.keys(LIMITS) as Count[]
  return Object.fromEntries(names.map((name, index) => [name, all[index] ?? Number.NaN])) as Record<Count, number>
}

function rowsOf({ name, samples }: Watched): readonly Row[] {
  const late = samples.slice(Math.floor(samples.length / 3))
  return (Object.keys(LIMITS) as Count[]).map((count) => {
    const values = late.map((sample) => sample[count])
    const growth = slopeAnHour(values)
    return {
      what: `${name}: ${count}`,
      measured: `${growth.toFixed(3)} an hour`,
      yardstick: `${Math.round(values[0] ?? 0)} to ${Math.round(values.at(-1) ?? 0)}`,
      reach: `≤ ${LIMITS[count]}`,
      met: growth <= LIMITS[count],
    }
  })
}

/** Least squares over samples one cycle apart. */
function slopeAnHour(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const above = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0)
  const below = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0)
  return (above / below) * (60 / CYCLE_MINUTES)
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

/** mulberry32: the same faults in the same order for the same seed. */
function seeded(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function optionOf(name: string): string | undefined {
  const at = process.argv.indexOf(name)
  return at === -1 ? undefined : process.argv[at + 1]
}
