import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { joinOptions, type LabMikrotik, labMikrotik } from '../../lab/places/mikrotik.ts'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub, waitForStatus } from '../lab-home.ts'

/** The vendor's own (manual, "Building Advanced Firewall"), with the laboratory's cables. It judges before all else. */
const ADVANCED = `
/interface/list/add name=LAN
/interface/list/add name=WAN
/interface/list/member/add list=LAN interface=lan0
/interface/list/member/add list=WAN interface=wan0
/ip/firewall/address-list/add list=bad_ipv4 address=127.0.0.0/8 comment="defconf: RFC6890"
/ip/firewall/address-list/add list=bad_ipv4 address=240.0.0.0/4 comment="defconf: RFC6890"
/ip/firewall/raw
add chain=prerouting action=accept disabled=yes comment="defconf: enable for transparent firewall"
add chain=prerouting action=drop src-address-list=bad_ipv4 comment="defconf: drop bogon IP's"
add chain=prerouting action=drop dst-address-list=bad_ipv4 comment="defconf: drop bogon IP's"
add chain=prerouting action=drop protocol=udp port=0 comment="defconf: drop bad UDP"
add chain=prerouting action=jump jump-target=bad_tcp protocol=tcp comment="defconf: jump to TCP chain"
add chain=prerouting action=accept in-interface-list=LAN comment="defconf: accept everything else from LAN"
add chain=prerouting action=accept in-interface-list=WAN comment="defconf: accept everything else from WAN"
add chain=prerouting action=drop comment="defconf: drop the rest"
add chain=bad_tcp action=drop protocol=tcp port=0 comment="defconf: TCP port 0 drop"`

let lab: Lab
let picture: Picture
let router: LabMikrotik

beforeAll(async () => {
  lab = await createLab()
  router = await labMikrotik(lab, { setup: ADVANCED })
  picture = await buildPicture(lab, { system: router })
  await startHub(picture)
})
afterAll(() => lab?.close())

const cameraAnswers = () =>
  picture.hub.run('ping', ['-c', '1', '-W', '1', picture.home.lan.camera], { allowFailure: true })
const ruleIn = (said: string): string => /What would let it in: (\S.*?place-before=\[[^\]]*\])/.exec(said)?.[1] ?? ''

test('a raw table as the vendor’s: the join names the rule and the line to add, and with that line it works', async () => {
  const { pi } = picture.home
  const before = await router.export()
  const join = ['join', await inviteHome(picture), ...(await joinOptions(router, picture.home)), '--yes']
  const problem = await problemOf(pi, join)
  expect(problem.code).toBe('router-raw-drops')
  expect(problem.message).toContain('number 7, “defconf: drop the rest”')
  expect(await router.export()).toBe(before)

  await router.console(ruleIn(problem.message))
  const joined = await pi.homeward(join)
  expect(joined.stdout).toContain('has joined')
  expect((await cameraAnswers()).exitCode).toBe(0)
  expect(await plannedSteps(pi)).toEqual([])
})

test('that line is taken away from a tunnel that stands: it is dark, the rule is named, and its line brings it back', async () => {
  const { pi } = picture.home
  const agent = await startAgent(pi)
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
  await router.console('/ip/firewall/raw/remove [find where action=accept and src-address=10.86.0.0/16]')
  const dark = await waitForStatus(pi, ({ tunnel }) => tunnel.state !== 'up')
  expect((await cameraAnswers()).exitCode).not.toBe(0)
  const { router: shown } =
    dark.router.warnings.length > 0 ? dark : await waitForStatus(pi, (status) => status.router.warnings.length > 0)
  const warning = shown.warnings.join('\n')
  expect(warning).toContain('drops all that comes out of hw0')
  await router.console(ruleIn(warning))
  await waitForStatus(pi, ({ tunnel, router: now }) => tunnel.state === 'up' && now.warnings.length === 0)
  await expect.poll(async () => (await cameraAnswers()).exitCode, { timeout: 60_000 }).toBe(0)
  await agent.stop()
})
