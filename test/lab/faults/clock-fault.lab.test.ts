import { afterAll, beforeAll, expect, test } from 'vitest'
import { BARE, layBareWireguard } from '../../../bench/bare-wireguard.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { stepClockBack } from './clock-fault.ts'
import { createLab, type Lab } from '../lab.ts'
import { buildPicture, type Picture } from '../picture.ts'

let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
})
afterAll(() => lab.close())

async function homeReachesHub(waitSeconds: number): Promise<boolean> {
  const { pi } = picture.home
  const ping = await pi.run('ping', ['-c', '1', '-w', String(waitSeconds), BARE.hub], {
    allowFailure: true,
    timeoutMs: (waitSeconds + 30) * 1000,
  })
  return ping.exitCode === 0
}

async function atHub(what: string): Promise<string> {
  return (await picture.hub.run('wg', ['show', BARE.interface, what])).stdout.trim()
}

/** Datagrams of the home that have reached the hub, whatever its WireGuard makes of them. */
async function receivedByHub(): Promise<number> {
  const { stdout } = await picture.hub.run('cat', ['/proc/net/snmp'])
  const [names, values] = stdout.split('\n').filter((line) => line.startsWith('Udp:'))
  return Number(values?.split(' ')[names?.split(' ').indexOf('InDatagrams') ?? -1])
}

test('after its clock went back, a home is refused by the hub until the hub has its peer anew', async () => {
  const { hub, home } = picture
  await layBareWireguard(hub, home.pi, picture.hubAddress)
  const [peer, rxBytes] = (await atHub('transfer')).split('\t')
  const before = await home.pi.run('wg', ['show', BARE.interface, 'allowed-ips'])

  await stepClockBack(home.pi, BARE.interface)
  expect((await home.pi.run('wg', ['show', BARE.interface, 'allowed-ips'])).stdout).toBe(before.stdout)
  // The forged initiation was taken: 148 bytes more.
  await expect.poll(async () => Number((await atHub('transfer')).split('\t')[1]) - Number(rxBytes)).toBe(148)

  // Three initiations arrive, the hub's WireGuard counts none of them, and nothing is answered.
  const arrived = await receivedByHub()
  expect(await homeReachesHub(16)).toBe(false)
  await expect.poll(receivedByHub).toBeGreaterThanOrEqual(arrived + 3)
  expect(Number((await atHub('transfer')).split('\t')[1]) - Number(rxBytes)).toBe(148)

  await hub.shell(`
wg set ${BARE.interface} peer ${peer} remove
wg set ${BARE.interface} peer ${peer} allowed-ips ${BARE.home}/32`)
  expect(await homeReachesHub(60)).toBe(true)
})

test('an initiation with the time of now, forged the same way, does no harm', async () => {
  const { hub, home } = picture
  await layBareWireguard(hub, home.pi, picture.hubAddress)
  await stepClockBack(home.pi, BARE.interface, 0)
  await sleep(1100)
  expect(await homeReachesHub(60)).toBe(true)
})
