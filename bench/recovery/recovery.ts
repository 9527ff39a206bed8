/**
 * How long after a fault the hub reaches the home again, each fault several times, begun at a random phase of the
 * heartbeat; beside it plain WireGuard with keepalive 25 between the same two hosts, under the same fault at the same
 * moment. `--runs N` (5), `--only REGEX` of the rows' names, `--in-use` (a stream of ten packets a second from the phone;
 * what counts is its longest gap), `--lanes N` (2 laboratories at once), `--router mikrotik` or `openwrt` (the tunnel ends there, not on
 * the Pi), `--json`.
 */
import { reasonOf } from '../../problems/problem.ts'
import type { Fault } from './fault.ts'
import { faultsOf } from './faults.ts'
import { type Run, runOnce } from './run.ts'
import { type Measured, recoveryTable } from './table.ts'
import { buildWorld, type World } from './world.ts'
import { median, reportTable } from '../report.ts'

const given = process.argv.slice(2)
const inUse = given.includes('--in-use')
const wantedRuns = Number(optionOf('--runs') ?? 5)
const lanes = Number(optionOf('--lanes') ?? 2)
const only = new RegExp(optionOf('--only') ?? '', 'i')
const router = (['mikrotik', 'openwrt'] as const).find((kind) => kind === optionOf('--router')) ?? 'linux'

const began = performance.now()
// What the hub's own packets would cure is no outage while there are any.
const isInUse = ({ inUseReachSeconds, proof }: Fault) => inUseReachSeconds !== undefined && proof !== 'home pings hub'
const faults = faultsOf(router).filter((fault) => only.test(fault.name) && (!inUse || isInUse(fault)))
// What takes longest begins first, so that no lane is left alone with it; what needs another laboratory comes last.
const queue = [...faults].sort(
  (a, b) => b.takesSeconds - a.takesSeconds || Number(a.ipv6 ?? false) - Number(b.ipv6 ?? false),
)
const measured = new Map<Fault, Measured>()
const apiRoundTripsMs: number[] = []
await Promise.all(Array.from({ length: Math.min(lanes, queue.length) }, (_, lane) => runLane(lane + 1)))

const minutes = ((performance.now() - began) / 60_000).toFixed(0)
const where =
  apiRoundTripsMs.length === 0
    ? ''
    : `, tunnel on a MikroTik (one round trip of its API: ${median(apiRoundTripsMs).toFixed(1)} ms)`
const how = inUse ? 'in use: the longest gap of ten packets a second' : 'idle: seconds to the first answer'
reportTable(
  recoveryTable(
    `recovery${where}, ${how}; up to ${wantedRuns} runs each, ${minutes} minutes`,
    faults.flatMap((fault) => measured.get(fault) ?? []),
  ),
)

/** Takes fault after fault, in one laboratory for as long as it works. */
async function runLane(lane: number): Promise<void> {
  let world: World | undefined
  const leave = async () => {
    await world?.close()
    world = undefined
  }
  try {
    for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
      const runs: Run[] = []
      let broke: string | null = null
      const ipv6 = fault.ipv6 ?? false
      if (world?.ipv6 !== ipv6) await leave()
      const reachSeconds = (inUse ? fault.inUseReachSeconds : undefined) ?? fault.reachSeconds
      try {
        while (runs.length < wantedRuns) {
          world ??= await build(ipv6)
          const run = await runOnce(world, fault, { reachSeconds, inUse, withPlain: !inUse && runs.length === 0 })
          runs.push(run)
          tell(lane, fault, `run ${runs.length}: ${textOf(run)}`)
          if (run.seconds === null) throw new Error('it was not reached again')
          if (fault.isLearned === true) await leave()
        }
      } catch (thrown) {
        broke = reasonOf(thrown)
        tell(lane, fault, `given up after ${runs.length} runs: ${broke}`)
        // Whatever is left of this fault must not spoil the next row.
        await leave()
      }
      measured.set(fault, { fault, reachSeconds, runs, broke })
    }
  } finally {
    await leave()
  }
}

async function build(ipv6: boolean): Promise<World> {
  const world = await buildWorld({ ipv6, router })
  if (world.apiRoundTripMs !== null) apiRoundTripsMs.push(world.apiRoundTripMs)
  return world
}

function textOf({ seconds, plainSeconds, afterwardsSeconds, causes, why }: Run): string {
  const text = (value: number | null) => (value === null ? 'never' : `${value.toFixed(2)} s`)
  return [
    text(seconds),
    ...(afterwardsSeconds === undefined ? [] : [`afterwards ${text(afterwardsSeconds)}`]),
    ...(plainSeconds === undefined ? [] : [`plain ${text(plainSeconds)}`]),
    causes.join(', '),
    ...(why === '' ? [] : [`\n${why}`]),
  ].join('  ')
}

function tell(lane: number, { name }: Fault, text: string): void {
  console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s [${lane}] ${name}: ${text}`)
}

function optionOf(name: string): string | undefined {
  const place = given.findIndex((one) => one === name || one.startsWith(`${name}=`))
  return place < 0 ? undefined : (given[place]?.split('=')[1] ?? given[place + 1])
}
