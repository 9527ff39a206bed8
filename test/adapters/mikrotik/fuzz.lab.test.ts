import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Adapter } from '../../../adapters/adapter.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import { Problem, reasonOf } from '../../../problems/problem.ts'
import { systemClock } from '../../../system/time/clock.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { type FakeRouter, startFakeRouter } from '../../fake/routeros/fake-router.ts'
import { seededRandom } from '../../fake/routeros/misbehaviour.ts'
import { randomFault } from './fuzz-faults.ts'
import { isLong } from '../../long.ts'
import { homeForwarding } from '../forwarding.ts'
import { only } from '../only.ts'

/**
 * Plans carried out while everything goes wrong that can. HOMEWARD_FUZZ_SEED begins elsewhere, HOMEWARD_FUZZ_RUNS does
 * more or fewer; the message of a failure names the seed of its run.
 */
const RUNS = Number(process.env['HOMEWARD_FUZZ_RUNS'] ?? (isLong ? 200 : 25))
const FIRST_SEED = Number(process.env['HOMEWARD_FUZZ_SEED'] ?? 1)
const AT_ONCE = 8

/** Nothing may wait longer than this: it is far above the sum of all deadlines of one plan with one silent session. */
const UNSETTLED_MS = 90_000
/** Long enough for a plan on a slow line, short enough to wait out. */
const ROLLBACK_SECONDS = 15

const VERSIONS = ['7.12.2', '7.16.2', '7.18.2', '7.21'] as const
const PASSWORD = 'x'

/** Somebody's own configuration, which has to stay as it is. */
const OWNERS = `
/user/group/add name=least policy=api,read,write,test
/user/add name=homeward group=least password=${PASSWORD}
/interface/wireguard/add name=wg-office listen-port=13231 comment="homeward bound"
/ip/address/add address=192.168.88.1/24 interface=bridge
/ip/firewall/filter/add chain=input action=drop in-interface=ether1
/ip/firewall/filter/add chain=forward action=drop connection-state=invalid
/ip/firewall/nat/add chain=srcnat action=masquerade out-interface=ether1
`

const HUB = 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=' as PublicKey

const JOINED: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [
    {
      publicKey: HUB,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [],
  forwarding: homeForwarding({ lan: ['192.168.88.0/24'], mode: 'routed' }),
}

const CHANGED: TunnelSpec = {
  ...JOINED,
  address: '10.87.0.2/16',
  mtu: 1380,
  peers: JOINED.peers.map((peer) => ({ ...peer, endpoint: { address: '203.0.113.11', port: 443 } })),
  forwarding: homeForwarding({ lan: ['192.168.88.0/24', '192.168.89.0/24'], mode: 'masquerade' }),
}

/** From what is there to what is wanted. */
const TRANSITIONS = {
  join: [null, JOINED],
  change: [JOINED, CHANGED],
  leave: [JOINED, null],
} as const satisfies Record<string, readonly [TunnelSpec | null, TunnelSpec | null]>

type Transition = keyof typeof TRANSITIONS

const strays: unknown[] = []
const note = (thrown: unknown): void => void strays.push(thrown)
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-fuzz-'))
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
})

afterAll(async () => {
  process.off('uncaughtException', note)
  process.off('unhandledRejection', note)
  await rm(folder, { recursive: true })
})

test(`after each of ${RUNS} faults in the midst of a plan the router is as it was or as it should be, and nothing of it is left here`, {
  timeout: 600_000,
}, async () => {
  const before = openSockets()
  const seeds = Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index)
  const endings: string[] = []
  const failures: string[] = []
  const worker = async (): Promise<void> => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const told: string[] = []
      try {
        endings.push(await run(seed, told))
      } catch (thrown) {
        failures.push(`seed ${seed} (${told.join('; ')}): ${reasonOf(thrown)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  expect(failures).toEqual([])
  expect(strays).toEqual([])
  await expect.poll(openSockets, { timeout: 60_000 }).toBe(before)
  // A fuzz in which nothing ever fails, or everything does, shows nothing.
  for (const ending of ['done', 'old', 'new']) expect(endings).toContain(ending)
})

/** @returns how it ended: carried out; or not, with the router in the old or in the new state. */
async function run(seed: number, told: string[]): Promise<'done' | 'old' | 'new'> {
  const random = seededRandom(seed)
  const version = VERSIONS[seed % VERSIONS.length]!
  const transition = (['join', 'change', 'leave'] as const)[Math.floor(random() * 3)]!
  const [start, goal] = TRANSITIONS[transition]
  const isPlain = random() < 0.7
  const fault = randomFault(random)
  told.push(`${version}, ${isPlain ? 'plain' : 'TLS'}, ${transition}, ${fault.text}`)

  const router = await startFakeRouter({ version, setup: OWNERS })
  const stateDir = join(folder, String(seed))
  try {
    if (start !== null) await cleanly(router, isPlain, stateDir, (adapter) => bring(adapter, start))
    const old = router.export()
    const wanted = await expectedExport(version, transition)

    const calledOff = new AbortController()
    const adapter = adapterFor(router, isPlain, stateDir)
    const victim = { router, callOff: () => calledOff.abort() }
    let steps = 0
    fault.begin(victim)
    const applying = applyDesired(adapter, only(goal), calledOff.signal, {
      onStep: () => fault.onStep(steps++, victim),
      prove: () => (fault.failsProof ? Promise.reject(new Error('not proven')) : Promise.resolve()),
    })
    const thrown = await settled(applying.then(() => null))
    told.push(thrown === null ? 'done' : reasonOf(thrown))
    if (thrown !== null && !(thrown instanceof Problem) && !isForeseen(thrown)) throw thrown

    // The agent is gone, the line is well again, and the router notices what it has not noticed yet.
    await settled(adapter.close().then(() => null))
    router.misbehave(null)
    router.dropSessions('rst')
    await expect.poll(() => router.sessions(), { timeout: 60_000 }).toBe(0)
    await expect.poll(() => router.jobs(), { timeout: (ROLLBACK_SECONDS + 10) * 1000 }).toBe(0)

    // The next agent looks, and takes back what the last one had no time for. A plan that takes everything away is not
    // armed, since nothing of ours is left that could cut anybody off: it is finished by the next one.
    await cleanly(router, isPlain, stateDir, async (next) => {
      if (goal === null) await bring(next, null)
      else await next.observe(AbortSignal.timeout(30_000))
    })
    const now = withoutPort(router.export())
    if (now === wanted) return thrown === null ? 'done' : 'new'
    if (thrown !== null && now === withoutPort(old)) return 'old'
    const fromOld = difference(now, withoutPort(old))
    throw new Error(
      `the router differs from what was wanted in\n${difference(now, wanted)}\nand from what was in\n${fromOld}`,
    )
  } finally {
    await router.close()
  }
}

/** What is not a Problem and yet an honest end: the signal's own reason, and the proof's. */
function isForeseen(thrown: unknown): boolean {
  return (thrown instanceof DOMException && thrown.name === 'AbortError') || reasonOf(thrown) === 'not proven'
}

function adapterFor(router: FakeRouter, isPlain: boolean, stateDir: string): Adapter {
  return mikrotikAdapter({
    host: '127.0.0.1',
    port: (isPlain ? router.plainPort : router.tlsPort) ?? 0,
    user: 'homeward',
    password: () => Promise.resolve(PASSWORD),
    certificate: isPlain ? null : router.fingerprint,
    stateDir,
    clock: systemClock,
    rollbackSeconds: ROLLBACK_SECONDS,
  })
}

async function bring(adapter: Adapter, goal: TunnelSpec | null): Promise<void> {
  await applyDesired(adapter, only(goal), AbortSignal.timeout(30_000), { prove: () => Promise.resolve() })
}

async function cleanly(
  router: FakeRouter,
  isPlain: boolean,
  stateDir: string,
  act: (adapter: Adapter) => Promise<void>,
): Promise<void> {
  const adapter = adapterFor(router, isPlain, stateDir)
  try {
    await act(adapter)
  } finally {
    await adapter.close()
  }
}

const expected = new Map<string, Promise<string>>()

/** What the same looks like where nothing goes wrong. */
function expectedExport(version: string, transition: Transition): Promise<string> {
  const key = `${version} ${transition}`
  const known = expected.get(key) ?? carriedOut(version, transition)
  expected.set(key, known)
  return known
}

async function carriedOut(version: string, transition: Transition): Promise<string> {
  const router = await startFakeRouter({ version, setup: OWNERS })
  try {
    await cleanly(router, true, join(folder, `${version}-${transition}`), async (adapter) => {
      const [start, goal] = TRANSITIONS[transition]
      if (start !== null) await bring(adapter, start)
      await bring(adapter, goal)
    })
    return withoutPort(router.export())
  } finally {
    await router.close()
  }
}

/** Where the first of what differs begins. */
function difference(is: string, shouldBe: string): string {
  const [here, there] = [is.split('\n'), shouldBe.split('\n')]
  const first = here.findIndex((line, index) => line !== there[index])
  return `+ ${here.slice(first, first + 3).join('\n+ ')}\n- ${there.slice(first, first + 3).join('\n- ')}`
}

/** The tunnel's port is drawn again for each interface. */
function withoutPort(text: string): string {
  return text.replace(/^(add comment="homeward hw0" listen-port=)\d+/m, '$1…')
}

/** What it was rejected with, or null. @throws when it is still open after any sensible time. */
async function settled(promise: Promise<null>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('a promise was never settled')), UNSETTLED_MS)
  })
  const outcome = promise.catch((thrown: unknown) => thrown)
  try {
    return await Promise.race([outcome, late])
  } finally {
    clearTimeout(timer)
  }
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /^(?:TCP|TLS)/.test(kind)).length
}
