import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../system/time/sleep.ts'
import type { Status } from '../../agent/report/status.ts'
import { runHub, startAgent, startHub, statusOf } from '../../test/agent/lab-home.ts'
import { bundleFor } from '../../test/lab/host/bundle.ts'
import type { Home } from '../../test/lab/places/home.ts'
import type { Host } from '../../test/lab/host/host.ts'
import { createLab, type Lab } from '../../test/lab/lab.ts'
import { joinOptions, labMikrotik, type LabMikrotik, routerPasswordFile } from '../../test/lab/places/mikrotik.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../../test/lab/places/openwrt.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../test/lab/picture.ts'
import type { LabProcess } from '../../test/lab/host/process.ts'
import type { ApiPlace } from './api-round-trip.ts'
import { BARE, layBareWireguard } from '../bare-wireguard.ts'

/** The hub and the home, as the tunnel numbers them. */
export const HUB_INSIDE = '10.86.0.1'
export const HOME_INSIDE = '10.86.0.2'

/** A laboratory in which a home, a hub known by name, a phone and bare WireGuard beside the tunnel all work. */
export interface World {
  readonly lab: Lab
  readonly ipv6: boolean
  readonly picture: Picture
  readonly pi: Host
  /** Where the tunnel ends: the Pi, or the home's router. */
  readonly end: Host
  /** When the home's router is one and the tunnel ends there. */
  readonly mikrotik: LabMikrotik | null
  readonly openwrt: LabOpenwrt | null
  /** Whichever of the two there is. */
  readonly router: LabMikrotik | LabOpenwrt | null
  readonly agent: LabProcess
  /** Of one print on the kept connection, median; null where there is no MikroTik. */
  readonly apiRoundTripMs: number | null
  /** Starts the hub's daemon again, after its machine restarted. */
  runHub(): Promise<void>
  close(): Promise<void>
}

/** How long an agent must have run before its estimates of this line mean anything. */
const LEARNING_MS = 15_000
const HEALTHY_MS = 90_000

export type RouterKind = 'linux' | 'mikrotik' | 'openwrt'

export interface WorldPlan {
  readonly ipv6: boolean
  readonly router: RouterKind
}

export async function buildWorld({ ipv6, router }: WorldPlan): Promise<World> {
  const lab = await createLab()
  try {
    const mikrotik = router === 'mikrotik' ? await labMikrotik(lab) : null
    const openwrt = router === 'openwrt' ? await labOpenwrt(lab) : null
    const system = mikrotik ?? openwrt
    const picture = await buildPicture(lab, { ipv6, ...(system === null ? {} : { system }) })
    const { hub, phone, home } = picture
    await startHub(picture, HUB_NAME)
    const token = (await hub.homeward(['hub', 'invite', 'cabin'])).stdout.trim()
    const where = [
      ...(mikrotik === null ? [] : await joinOptions(mikrotik, home)),
      ...(openwrt === null ? [] : await openwrtJoinOptions(openwrt, home)),
    ]
    await home.pi.homeward(['join', token, '--lan', home.lan.prefix, ...where, '--yes'], { timeoutMs: 60_000 })
    const agent = await startAgent(home.pi, 30_000)
    const conf = join(phone.disk.configDir, 'phone.conf')
    const { stdout } = await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
    await phone.run('sh', ['-c', `umask 077; cat > ${conf}`], { input: stdout })
    await phone.run('wg-quick', ['up', conf], { timeoutMs: 20_000 })
    await serveLargePage(home.camera)
    await serveLargePage(home.pi)
    await layBareWireguard(hub, home.pi, HUB_NAME)
    const apiRoundTripMs = mikrotik === null ? null : await measureApi(lab, mikrotik, home)
    await sleep(LEARNING_MS)
    return {
      lab,
      ipv6,
      picture,
      pi: home.pi,
      end: system === null ? home.pi : home.router,
      mikrotik,
      openwrt,
      router: system,
      agent,
      apiRoundTripMs,
      async runHub() {
        await runHub(picture)
      },
      close: () => lab.close(),
    }
  } catch (thrown) {
    await lab.close()
    throw thrown
  }
}

async function measureApi(lab: Lab, { user, fingerprint }: LabMikrotik, { pi, lan }: Home): Promise<number> {
  const program = await bundleFor(lab.folder, new URL('./api-round-trip.ts', import.meta.url))
  const place: ApiPlace = { host: lan.router, port: 8729, user, certificate: fingerprint }
  const file = join(pi.disk.path, 'api-round-trip.json')
  await writeFile(file, JSON.stringify(place))
  const { stdout } = await pi.run(process.execPath, [program, file, routerPasswordFile(pi)], { timeoutMs: 60_000 })
  return (JSON.parse(stdout) as { readonly medianMs: number }).medianMs
}

/** Up, nothing under way, and heartbeats as far apart as nobody's traffic lets them be. @throws with the last status. */
export async function untilHealthy({ pi }: World, { isIdle }: { readonly isIdle: boolean }): Promise<void> {
  const isHealthy = ({ tunnel }: Status) =>
    tunnel.state === 'up' && tunnel.remedy === null && (!isIdle || tunnel.heartbeat.intervalSeconds >= 5)
  for (const deadline = performance.now() + HEALTHY_MS; ; await sleep(500)) {
    const status = await statusOf(pi)
    if (isHealthy(status)) return
    if (performance.now() > deadline)
      throw new Error(`not healthy within ${HEALTHY_MS / 1000} s: ${JSON.stringify(status.tunnel)}`)
  }
}

/** The yardstick works again, whatever the last fault did to it, and its keepalive is at a random phase. */
export async function mendBare({ picture, pi }: World): Promise<void> {
  await layBareWireguard(picture.hub, pi, HUB_NAME)
  // KEEPALIVE_TIMEOUT after the packets that proved it, it sends one more of its own accord.
  await sleep(12_000 + randomInt(25_000))
}

/** Any moment between two heartbeats is as likely as another. */
export function randomPhaseMs(): number {
  return randomInt(5_000)
}

/** What stands between a page of a camera and one packet: more than any path's MTU. */
const LARGE_PORT = 8080
const LARGE_PAGE = `
const body = require('node:crypto').randomBytes(200_000)
require('node:http').createServer((request, response) => {
  response.setHeader('connection', 'close')
  response.end(body)
}).listen(${LARGE_PORT}, '0.0.0.0', () => console.log('ready'))
`

async function serveLargePage(host: Host): Promise<void> {
  await host.start(process.execPath, ['-e', LARGE_PAGE]).waitForLine(/^ready$/)
}

/** Whether 200 kB come through in three seconds: from the camera to the phone, or over bare WireGuard to the hub. */
export async function isLargePageLoaded({ picture }: World, over: 'tunnel' | 'bare'): Promise<boolean> {
  const [host, address] = over === 'tunnel' ? [picture.phone, picture.home.lan.camera] : [picture.hub, BARE.home]
  const curl = ['-sS', '--max-time', '3', '-o', '/dev/null', `http://${address}:${LARGE_PORT}/`]
  return (await host.run('curl', curl, { allowFailure: true })).exitCode === 0
}
