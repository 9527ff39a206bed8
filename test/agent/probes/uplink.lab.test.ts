import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REACHABILITY_TARGETS } from '../../../agent/settings/config.ts'
import type { Uplink } from '../../../agent/probes/uplink.ts'
import { outage } from '../../lab/faults/faults.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

let lab: Lab
let picture: Picture
let program: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  program = join(lab.folder, 'uplink.mjs')
  // The garbage collector runs all the while: what bounds the wait must not go with it.
  const collect =
    "import { setFlagsFromString } from 'node:v8'; import { runInNewContext } from 'node:vm'; setFlagsFromString('--expose_gc'); setInterval(runInNewContext('gc'), 100).unref();"
  const print = 'console.log(JSON.stringify(await testUplink(process.argv.slice(2), new AbortController().signal)))'
  await build({
    stdin: {
      contents: `import { testUplink } from '../../../agent/probes/uplink.ts'\n${collect}\n${print}`,
      resolveDir: dirname(fileURLToPath(import.meta.url)),
    },
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  })
})
afterAll(() => lab.close())

async function uplink(...beacons: readonly string[]): Promise<Uplink> {
  const startedAt = performance.now()
  const asked = beacons.length > 0 ? beacons : [`${picture.beacon}:9`, '192.0.2.77:443']
  const { stdout } = await picture.home.pi.run(process.execPath, [program, ...asked])
  // 1.5 s, and what a start of Node takes on a busy machine.
  expect(performance.now() - startedAt).toBeLessThan(20_000)
  return JSON.parse(stdout) as Uplink
}

/** Whoever is held up for longer than is waited for hears no answer. */
const comesToSee = (seen: Uplink, ...beacons: readonly string[]) =>
  expect.poll(() => uplink(...beacons), { timeout: 60_000 }).toEqual(seen)

/** With the line's fault for as long as it is looked at. */
async function during(undo: () => Promise<unknown>, seen: Uplink): Promise<void> {
  try {
    await comesToSee(seen)
  } finally {
    await undo()
  }
}

describe('the way out, tested without the hub', () => {
  test('works: gateway and beacon refuse the connection, which is an answer', async () => {
    await comesToSee({ gateway: true, beacon: true })
    await comesToSee({ gateway: true, beacon: true }, ...REACHABILITY_TARGETS)
  })

  test('with beacons that do not answer, the internet counts as away', async () => {
    await comesToSee({ gateway: true, beacon: false }, '192.0.2.77:443')
  })

  test('without beacons nothing can be said of the internet', async () => {
    const { stdout } = await picture.home.pi.run(process.execPath, [program])
    expect(JSON.parse(stdout)).toEqual({ gateway: true, beacon: null })
  })

  test('a beacon is asked over IPv6 too, where there is none', async () => {
    await comesToSee({ gateway: true, beacon: false }, '[2001:db8::1]:443')
  })

  test('a dead line behind a living router', async () => {
    const undo = await outage(picture.home)
    await during(undo, { gateway: true, beacon: false })
    await comesToSee({ gateway: true, beacon: true })
  })

  test('a router that drops what is sent to it: nothing can be said of it', async () => {
    const { router } = picture.home
    await router.shell(`nft 'add table ip closed
add chain ip closed input { type filter hook input priority 0; policy accept; }
add rule ip closed input iifname "lan0" tcp dport { 53, 80 } drop'`)
    const undo = () => router.shell('nft delete table ip closed')
    await during(undo, { gateway: null, beacon: true })
  })

  test('a router that answers "prohibited" is there', async () => {
    const { router } = picture.home
    await router.shell(`nft 'add table ip closed
add chain ip closed input { type filter hook input priority 0; policy accept; }
add rule ip closed input iifname "lan0" tcp dport { 53, 80 } reject with icmp host-prohibited'`)
    const undo = () => router.shell('nft delete table ip closed')
    await during(undo, { gateway: true, beacon: true })
  })

  test('a router that is off', async () => {
    const { router, pi } = picture.home
    await router.shell('ip link set lan0 down')
    await pi.shell('ip neigh flush dev eth0')
    const undo = () => router.shell('ip link set lan0 up')
    await during(undo, { gateway: false, beacon: false })
  })

  test('this machine’s cable is out', async () => {
    const { pi, lan, switch: cables } = picture.home
    await cables.shell('ip link set pi down')
    const undo = () => cables.shell('ip link set pi up')
    await during(undo, { gateway: false, beacon: false })
    await pi.shell('ip link set eth0 down')
    const up = () => pi.shell(`ip link set eth0 up\nip route replace default via ${lan.router}`)
    await during(up, { gateway: false, beacon: false })
  })
})
