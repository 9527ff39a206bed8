import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseNftTable } from '../../../adapters/linux/firewall/nft-list.ts'
import type { EchoAnswer, EchoQuestion } from '../../../agent/probes/echo-socket.ts'
import type { BindingLifetime } from '../../../agent/probes/binding-lifetime.ts'
import { readEchoKey } from '../../../agent/secrets/secrets.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { dropAllUdp } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { inviteHome, startAgent, startHub } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let hubDaemon: LabProcess
let program: string
let key: string
/** Of the hub's firewall before anybody shook hands. */
let firewall: readonly string[]

/** Asks as the agent does, from any host. */
const ASKER = `
import { openEchoes } from '../../../agent/probes/echo.ts'
import { measureBindingLifetime } from '../../../agent/probes/binding-lifetime.ts'
import { systemClock } from '../../../system/time/clock.ts'
const { endpoints, question, silences } = JSON.parse(process.argv[2])
const key = Buffer.from(process.env.ECHO_KEY, 'hex')
const home = '10.86.0.2'
const signal = new AbortController().signal
const answers = silences === undefined
  ? await Promise.all(endpoints.map((endpoint) => openEchoes(home, key, systemClock).ask(endpoint, question, signal)))
  : await measureBindingLifetime(endpoints[0], { home, key, clock: systemClock, silences }, signal)
console.log(JSON.stringify(answers))
`

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { ipv6: true })
  pi = picture.home.pi
  program = join(lab.folder, 'asker.mjs')
  await build({
    stdin: { contents: ASKER, resolveDir: dirname(fileURLToPath(import.meta.url)) },
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  })
  hubDaemon = await startHub(picture)
  firewall = await hubFirewall()
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  key = Buffer.from(await readEchoKey(pi.disk)).toString('hex')
})
afterAll(() => lab.close())

async function run<Answer>(host: Host, request: object, secret = key): Promise<Answer> {
  const args = [program, JSON.stringify(request)]
  const { stdout } = await host.run(process.execPath, args, { env: { ECHO_KEY: secret }, timeoutMs: 90_000 })
  return JSON.parse(stdout) as Answer
}

function ask(host: Host, endpoints: readonly Endpoint[], question: EchoQuestion, secret = key) {
  return run<(EchoAnswer | null)[]>(host, { endpoints, question }, secret)
}

const endpoint = (port: number): Endpoint => ({ address: picture.hubAddress, port })
const WIREGUARD = [51_820, 4500, 443, 53]

const SENDS_INITIATION = `
const socket = require('node:dgram').createSocket('udp6')
const datagram = Buffer.alloc(148)
datagram[0] = 1
socket.send(datagram, 443, process.argv[1], () => socket.close())`

async function hubFirewall(): Promise<readonly string[]> {
  const { stdout } = await picture.hub.run('nft', ['-j', 'list', 'table', 'inet', 'homeward'])
  // But for the networks of homes, of which there were none before.
  return parseNftTable(stdout).fingerprints.filter((one) => !one.startsWith('rule sources '))
}

describe('the echo', () => {
  test('is answered on every port of WireGuard, through the carrier’s NAT, with what the hub knows', async () => {
    const answersOfAll = () => ask(pi, [...WIREGUARD, 8687].map(endpoint), { timeoutMs: 30_000 })
    // An answer does not wait for long until the hub has listed who shook hands: the next one knows.
    await expect
      .poll(async () => (await answersOfAll()).map((answer) => answer?.view.initiatedSeconds))
      .not.toContain(null)
    const answers = await answersOfAll()
    expect(answers.map((answer) => answer?.endpoint.port)).toEqual([...WIREGUARD, 8687])
    for (const answer of answers) {
      expect(answer?.view).toMatchObject({ peerKnown: true, handshakeSeconds: expect.any(Number) })
      expect(answer?.view.heardSeconds).toBeLessThan(30)
      expect(answer?.view.initiatedSeconds).toBeLessThan(60)
    }
  })

  test('is answered elsewhere too, where nobody tried to shake hands', async () => {
    const answers = await ask(picture.phone, WIREGUARD.map(endpoint), { timeoutMs: 30_000, bytes: 1472 })
    expect(answers.map((answer) => answer?.endpoint.port)).toEqual(WIREGUARD)
    expect(answers[0]?.view).toMatchObject({ peerKnown: true, initiatedSeconds: null })
  })

  test('is answered over IPv6, where a handshake counts for the family that it came by', async () => {
    const six = picture.hubIpv6 ?? ''
    const endpoints = WIREGUARD.map((port) => ({ address: six, port }))
    const before = await ask(pi, endpoints, { timeoutMs: 30_000 })
    expect(before.map((answer) => answer?.endpoint)).toEqual(endpoints)
    expect(before[0]?.view).toMatchObject({ peerKnown: true, initiatedSeconds: null })
    // With a length and a type that are right, and nothing else: WireGuard does not take it.
    await pi.run(process.execPath, ['-e', SENDS_INITIATION, six])
    // The hub lists them each half second at most.
    const initiated = async () => (await ask(pi, endpoints, { timeoutMs: 30_000 }))[0]?.view.initiatedSeconds ?? null
    await expect.poll(initiated, { timeout: 60_000 }).not.toBeNull()
    expect(await initiated()).toBeLessThan(30)
  })

  test('is hidden by a firewall of the owner’s that does not know its port, and nothing else is', async () => {
    await picture.hub.shell(`nft -f - <<'END'
      table inet owners {
        chain input { type filter hook input priority 0; policy accept; udp dport 51820 accept; meta l4proto udp iifname != { "lo", "hw0" } drop; }
      }
END`)
    expect(await ask(pi, [endpoint(443)], { timeoutMs: 1_500 })).toEqual([null])
    expect((await picture.hub.run('ping', ['-c1', '-w30', '10.86.0.2'])).exitCode).toBe(0)
    await picture.hub.run('nft', ['insert', 'rule', 'inet', 'owners', 'input', 'udp', 'dport', '8687', 'accept'])
    expect(await ask(pi, [endpoint(443)], { timeoutMs: 30_000 })).toMatchObject([{ endpoint: endpoint(443) }])
    await picture.hub.run('nft', ['delete', 'table', 'inet', 'owners'])
  })

  test('is not for those who do not know the home’s secret', async () => {
    expect(await ask(picture.phone, WIREGUARD.map(endpoint), { timeoutMs: 1_500 }, 'ab'.repeat(32))).toEqual(
      WIREGUARD.map(() => null),
    )
  })

  test('takes nothing from the tunnel', async () => {
    const ping = picture.hub.start('ping', ['-i', '0.02', '-c', '150', '10.86.0.2'])
    await ping.waitForLine(/icmp_seq=2 /)
    for (let times = 0; times < 3; times += 1) {
      const answers = await ask(pi, [...WIREGUARD, ...WIREGUARD].map(endpoint), { timeoutMs: 30_000 })
      expect(answers).not.toContain(null)
    }
    await ping.exited
    expect(ping.stdout).toContain('150 received')
  })

  test('and its handshakes are no difference in the firewall', async () => {
    const { stdout } = await picture.hub.run('nft', ['list', 'set', 'inet', 'homeward', 'initiations'])
    expect(stdout).toMatch(/198\.51\.100\.\d+ expires/)
    expect(await hubFirewall()).toEqual(firewall)
  })

  test('that is delayed comes back though the firewall was replaced meanwhile', async () => {
    const asked = ask(pi, [endpoint(443)], { timeoutMs: 20_000, delaySeconds: 5 })
    await picture.hub.homeward(['device', 'add', 'tablet', '--conf', '-'])
    expect(await asked).toMatchObject([{ view: { peerKnown: true } }])
  })
})

describe('the life of a mapping', () => {
  const lifeOf = (silences: readonly number[]) => run<BindingLifetime>(pi, { endpoints: [endpoint(51_820)], silences })

  test('is the carrier’s, not that of the hub’s own memory of the flow', async () => {
    await picture.carrier.setMappingLife({ firstSeconds: 8, streamSeconds: 10 })
    await picture.hub.shell('echo 3 > /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream')
    expect(await lifeOf([2, 4, 15, 20])).toEqual({ lifeSeconds: 4 })
    await picture.carrier.setMappingLife({ firstSeconds: 30, streamSeconds: 120 })
    expect(await lifeOf([2, 4, 8])).toEqual({ lifeSeconds: 8 })
  })

  test('is unknown while UDP is dead', async () => {
    const undo = await dropAllUdp(picture.home)
    expect(await lifeOf([2, 4])).toEqual({ lifeSeconds: null })
    await undo()
  })
})

test('a hub whose daemon is dead says so at once, on all ports', async () => {
  await hubDaemon.stop()
  const askedMs = async (): Promise<number> => {
    const began = performance.now()
    expect(await ask(pi, WIREGUARD.map(endpoint), { timeoutMs: 60_000 })).toEqual(WIREGUARD.map(() => null))
    return performance.now() - began
  }
  // The hub's kernel refuses sparingly (icmp(7), icmp_ratelimit): all refusals of one question may be among those left out.
  await expect.poll(askedMs, { timeout: 240_000, interval: 2_000 }).toBeLessThan(30_000)
})
