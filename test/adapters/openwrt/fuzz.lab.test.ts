import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { reasonOf } from '../../../problems/problem.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { startOpenwrtMachine } from '../../contract/openwrt/openwrt-machine.ts'
import { homeSpec } from '../../contract/specs.ts'
import type { Release } from '../../fake/openwrt/dialects.ts'
import { seededRandom } from '../../fake/routeros/misbehaviour.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import type { FuzzAnswer, FuzzOptions, FuzzRequest, LineFault } from './fuzz-program.ts'
import { isLong } from '../../long.ts'
import { homeForwarding } from '../forwarding.ts'

/**
 * Plans carried out while everything goes wrong that can. HOMEWARD_FUZZ_SEED begins elsewhere, HOMEWARD_FUZZ_RUNS does more or
 * fewer (each takes some seconds); the message of a failure names the seed of its run.
 */
const RUNS = Number(process.env['HOMEWARD_FUZZ_RUNS'] ?? (isLong ? 200 : 8))
const FIRST_SEED = Number(process.env['HOMEWARD_FUZZ_SEED'] ?? 1)
/** One router each. */
const RELEASES: readonly Release[] = ['23.05', '24.10', '25.12']
/** Longer than a plan takes on a busy machine. */
const ROLLBACK_SECONDS = 20
/** What a plan takes, about. */
const PLAN_MS = 1_000

test(`after each of ${RUNS} faults in the midst of a plan the router is as it was or as it should be, and nothing of it is left here`, {
  timeout: 1_800_000,
}, async () => {
  const seeds = Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index)
  const endings: string[] = []
  const failures: string[] = []
  await Promise.all(
    RELEASES.map(async (release) => {
      const bench = await makeBench(release)
      try {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          const told: string[] = [release]
          try {
            endings.push(await bench.run(seed, told))
          } catch (thrown) {
            failures.push(`seed ${seed} (${told.join('; ')}): ${reasonOf(thrown)}`)
          }
        }
      } finally {
        await bench.close()
      }
    }),
  )
  console.log(
    `fuzz: ${['done', 'old', 'new'].map((one) => `${endings.filter((ending) => ending === one).length} ${one}`).join(', ')}`,
  )
  expect(failures).toEqual([])
  // A fuzz in which nothing ever fails, or everything does, shows nothing.
  for (const ending of ['done', 'old']) expect(endings).toContain(ending)
})

interface Bench {
  /** @returns how it ended: carried out; or not, with the router in the old or in the new state. */
  readonly run: (seed: number, told: string[]) => Promise<'done' | 'old' | 'new'>
  readonly close: () => Promise<void>
}

async function makeBench(release: Release): Promise<Bench> {
  const machine = await startOpenwrtMachine(release, { rollbackSeconds: ROLLBACK_SECONDS })
  const { pi, router, keys } = machine
  const at = (name: string): string => join(pi.disk.configDir, name)
  const options: FuzzOptions = {
    host: '192.168.1.1',
    hostKey: { type: 'ssh-ed25519', sha256: router.hostKey },
    loginFile: at('login.key'),
    keyFile: at('private.key'),
    rollbackSeconds: ROLLBACK_SECONDS,
  }
  await writeFile(at('fuzz.json'), JSON.stringify(options))
  const program = await bundleFor(pi.disk.path, new URL('./fuzz-program.ts', import.meta.url))
  const running = pi.start(process.execPath, [program, at('fuzz.json')])
  await running.waitForLine(/^{"id":0}$/)
  const joined = homeSpec(keys)
  const [peer] = joined.peers
  const changed: TunnelSpec = {
    ...joined,
    address: '10.87.0.2/16',
    mtu: 1380,
    peers: [{ ...peer!, endpoint: { address: '203.0.113.11', port: 443 } }],
    forwarding: homeForwarding({ lan: ['192.168.1.0/24', '192.168.89.0/24'], mode: 'routed' }),
  }
  /** What comes from the router in the course of the shortest plan, and a little less. */
  let planBytes = 0
  let id = 0
  const bring = async (goal: TunnelSpec | null, fault: LineFault): Promise<FuzzAnswer> => {
    id += 1
    const request: FuzzRequest = { id, goal, fault }
    return ask(running, request)
  }

  async function run(seed: number, told: string[]): Promise<'done' | 'old' | 'new'> {
    const random = seededRandom(seed)
    const [start, goal] = pick(random, [
      [null, joined],
      [joined, changed],
      [joined, null],
    ] as const)
    const fault: LineFault = {
      kind: pick(random, ['cut', 'garbage', 'stall', 'none'] as const),
      afterBytes: Math.floor(random() * planBytes),
    }
    // A shell that stalls costs a whole deadline; a few of those are enough.
    const reply =
      fault.kind === 'none'
        ? pick(random, ['garbage', 'truncate', 'fail', ...(random() < 0.2 ? ['stall'] : [])] as const)
        : null
    const delayMs = random() * PLAN_MS
    told.push(
      `${start === null ? 'join' : goal === null ? 'leave' : 'change'}, ${JSON.stringify(fault)}, ${reply} after ${Math.round(delayMs)} ms`,
    )
    const clean = await bring(start, { kind: 'none', afterBytes: 0 })
    expect(clean.problem).toBeNull()
    const old = await machine.export()

    const bringing = bring(goal, fault)
    if (reply !== null) {
      await Promise.race([bringing, sleep(delayMs)])
      await router.misbehave(reply as 'garbage')
      await Promise.race([bringing, sleep(700)])
      await router.misbehave(null)
    }
    const answer = await bringing
    if (fault.kind !== 'none') expect(answer.isStruck, 'the fault came too late').toBe(true)
    told.push(answer.problem === null ? 'done' : `${answer.problem.code}: ${answer.problem.why}`)
    expect(answer).toMatchObject({ isSettled: true, strays: [], sockets: 0 })

    // The agent is gone, and the line is well again. What it could not take back the router takes back by itself.
    await router.cut()
    await vi.waitFor(
      async () => expect(await router.console('ls /var/run/homeward 2>/dev/null || true')).not.toContain('pending'),
      {
        timeout: 90_000,
        interval: 200,
      },
    )
    const now = await machine.export()
    if (answer.problem !== null && now === old) return 'old'
    const again = await bring(goal, { kind: 'none', afterBytes: 0 })
    expect(again.problem).toBeNull()
    expect(await machine.export(), 'the router is neither as it was nor as it should be').toBe(now)
    return answer.problem === null ? 'done' : 'new'
  }

  const bytes: number[] = []
  for (const goal of [joined, changed, null]) bytes.push((await bring(goal, { kind: 'none', afterBytes: 0 })).bytes)
  planBytes = Math.min(...bytes) * 0.9
  return { run, close: machine.close }
}

async function ask(running: LabProcess, request: FuzzRequest): Promise<FuzzAnswer> {
  running.write(`${JSON.stringify(request)}\n`)
  const [line] = await running.waitForLine(new RegExp(`^{"id":${request.id},.*$`), { timeoutMs: 150_000 })
  return JSON.parse(line) as FuzzAnswer
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!
}
