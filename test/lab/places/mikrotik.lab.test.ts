import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeWanAddress } from '../faults/faults.ts'
import { createLab, type Lab } from '../lab.ts'
import { labMikrotik, type LabMikrotik } from './mikrotik.ts'
import { buildPicture, type Picture } from '../picture.ts'

let lab: Lab
let system: LabMikrotik
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  system = await labMikrotik(lab)
  picture = await buildPicture(lab, { system })
})
afterAll(() => lab?.close())

test('it leads the LAN to the internet, and nobody from there in', async () => {
  const { pi } = picture.home
  await pi.run('ping', ['-c', '1', '-w', '30', picture.beacon])
  const { stdout } = await pi.shell('timeout 30 openssl s_client -connect 192.168.1.1:8729 </dev/null 2>&1 || true')
  expect(stdout).toContain('CN = homeward hub')
  const outside = await picture.carrier.host.run(
    'curl',
    ['--max-time', '1', `http://${picture.home.customer.wanAddress}:8728`],
    { allowFailure: true },
  )
  expect(outside.exitCode).not.toBe(0)
})

test('what it was set to is there after a reboot, and what was made by it alone is carried out', async () => {
  await system.console('/interface/wireguard/add name=wg-test comment="kept"')
  const before = await system.export()
  await lab.reboot(picture.home.router)
  expect(await system.export()).toBe(before)
  await picture.home.router.run('wg', ['show', 'wg-test'])
  await system.console('/interface/wireguard/remove [find where name=wg-test]')
  // wireguard-go ends a moment after its interface.
  await expect
    .poll(async () => (await picture.home.router.run('wg', ['show', 'interfaces'])).stdout)
    .not.toContain('wg-test')
})

test('its translation keeps a flow on an address that is gone, until the flow is forgotten', async () => {
  const { pi, router } = picture.home
  const old = picture.home.customer.wanAddress
  await router.shell(`perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 5555, PeerAddr => "${picture.beacon}", PeerPort => 9);
    $s->send("x");'`)
  await changeWanAddress(picture.home, { staleSnat: true })
  const { stdout } = await router.run('conntrack', ['-L', '-p', 'udp', '--orig-dst', picture.beacon])
  expect(stdout).toContain(`dst=${old} `)
  await pi.run('ping', ['-c', '1', '-w', '30', picture.beacon])
  await changeWanAddress(picture.home, { staleSnat: false })
  expect((await router.run('conntrack', ['-L', '-p', 'udp', '--orig-dst', picture.beacon])).stdout).toBe('')
})
