import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type KeptPortsOf,
  NOTHING_KEPT_BUT_22,
  openKeptPorts,
  readKeptPorts,
} from '../../../../hub/machine/ports/kept-ports.ts'
import { listenersIn } from '../../../../hub/machine/ports/listeners.ts'
import { captureLog } from '../../captured-log.ts'
import { turnedClock } from '../../turned-clock.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-kept-'))
  path = join(folder, 'kept-ports.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const PUBLISHED = [
  { protocol: 'tcp', port: 443, lastPort: 443 },
  { protocol: 'udp', port: 20_000, lastPort: 50_000 },
] as const

async function opened() {
  const clock = turnedClock()
  let there: readonly (readonly ['tcp' | 'udp', string, number])[] = []
  const ports = await openKeptPorts({
    path,
    notFor: () => '10.86.0.1',
    ssh: NOTHING_KEPT_BUT_22,
    clock,
    log: captureLog().log,
    chance: async () => ({ port: 32_768, lastPort: 60_999 }),
    listeners: async () => {
      const of = (protocol: 'tcp' | 'udp') =>
        there.filter(([one]) => one === protocol).map(([, address, port]) => ({ address, port, inode: '7' }))
      return { tcp: of('tcp'), udp: of('udp') }
    },
  })
  const listen = (...some: typeof there): void => void (there = some)
  return { ports, clock, listen }
}

/** Looks for half a minute. */
async function looked(ports: KeptPortsOf, clock: ReturnType<typeof turnedClock>) {
  const all = []
  for (let look = 0; look < 10; look += 1) {
    all.push(...(await ports.lookFor(PUBLISHED)))
    clock.turn(3_000)
  }
  return all
}

test('a program at a published port is left its port, is told once, and is remembered over a restart', async () => {
  const { ports, clock, listen } = await opened()
  const before = ports.kept()
  listen(['tcp', '0.0.0.0', 443])
  expect(await looked(ports, clock)).toMatchObject([{ protocol: 'tcp', port: 443, to: 'program' }])
  expect(ports.kept()).not.toBe(before)
  expect([...ports.kept().listeners]).toEqual(['443/tcp'])
  expect(ports.kept()).toBe(ports.kept())
  const again = await opened()
  expect([...again.ports.kept().listeners]).toEqual(['443/tcp'])
  expect([...(await readKeptPorts({ sshPorts: join(folder, 'none'), keptPorts: path })).listeners]).toEqual(['443/tcp'])
  again.clock.turn(599_999)
  expect(await again.ports.lookFor(PUBLISHED)).toEqual([])
  again.clock.turn(1)
  expect(await again.ports.lookFor(PUBLISHED)).toEqual([{ protocol: 'tcp', port: 443, to: 'home', program: null }])
})

test.each([
  ['at a port that nobody published', 'tcp', '0.0.0.0', 444],
  ['over another protocol', 'udp', '0.0.0.0', 443],
  ['at the hub’s address in the tunnel, where no visitor comes', 'tcp', '10.86.0.1', 443],
  ['at an IPv6 address alone', 'tcp', '2001:db8::1', 443],
  ['at a port that the kernel gave it by chance', 'udp', '0.0.0.0', 40_000],
] as const)('a program %s takes nothing', async (_, protocol, address, port) => {
  const { ports, clock, listen } = await opened()
  listen([protocol, address, port])
  expect(await looked(ports, clock)).toEqual([])
})

test.each(['::', '203.0.113.10', '172.17.0.1'])('one at %s does', async (address) => {
  const { ports, clock, listen } = await opened()
  listen(['udp', address, 20_001])
  expect(await looked(ports, clock)).toHaveLength(1)
})

test('a damaged memory is an empty one', async () => {
  await writeFile(path, '["443/tcp", 7')
  expect((await opened()).ports.kept().listeners.size).toBe(0)
})

test('UDP sockets that are bound and have no peer are read from the kernel’s table', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
  const row = (local: string, remote: string, state: string) =>
    `  1: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000 0`
  const table = [head, row('00000000:0035', '00000000:0000', '07'), row('0A00560A:C350', '01010101:0035', '01')].join(
    '\n',
  )
  expect(listenersIn(table, '07')).toEqual([{ address: '0.0.0.0', port: 53, inode: '4711' }])
})
