import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { moveHub } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub, statusOf, waitForStatus } from '../lab-home.ts'
import { eventsOfKind } from './events-of-kind.ts'

let lab: Lab
let picture: Picture
let pi: Host
let agent: LabProcess

/** At home the hub's name leads to a server of the LAN, as many a router's DNS has it: split-horizon DNS. */
async function nameLeadsTo(address: string): Promise<void> {
  await pi.shell(`echo '${address} ${HUB_NAME}' > /etc/hosts`)
}

const endpoint = async (): Promise<string | null> => (await statusOf(pi)).tunnel.endpoint
const outages = async (): Promise<number> =>
  (await eventsOfKind(pi, 'tunnel')).filter(({ to }) => to !== 'up' && to !== 'starting').length

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture, HUB_NAME)
  // Somebody else's server in the LAN, at the very port: TLS with a certificate of its own.
  const server = picture.home.camera.start('sh', [
    '-c',
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=nas -keyout ${lab.folder}/nas.key -out ${lab.folder}/nas.crt -days 2 2>/dev/null && echo made && exec openssl s_server -quiet -accept 51820 -key ${lab.folder}/nas.key -cert ${lab.folder}/nas.crt`,
  ])
  await server.waitForLine(/made/, { timeoutMs: 60_000 })
})
afterAll(() => lab.close())

describe('a hub whose name leads to a server of the LAN at home', () => {
  test('is not joined there, and the person is told whom the name leads to', async () => {
    const token = await inviteHome(picture)
    await nameLeadsTo(picture.home.lan.camera)
    const problem = await problemOf(pi, ['join', token, '--yes'])
    expect(problem.code).toBe('certificate-mismatch')
    expect(problem.message).toContain(
      `${HUB_NAME} leads to ${picture.home.lan.camera} here, and somebody else answers there`,
    )
    await nameLeadsTo(picture.hubAddress)
    await pi.homeward(['join', token, '--yes'])
    agent = await startAgent(pi)
    await waitForStatus(pi, ({ registration }) => registration.at !== null)
  })

  test('keeps its living tunnel when the agent is started again', async () => {
    const before = { endpoint: await endpoint(), outages: await outages() }
    await nameLeadsTo(picture.home.lan.camera)
    await agent.stop()
    expect(await plannedSteps(pi)).toEqual([])
    agent = await startAgent(pi)
    const isTold = ({ router }: { readonly router: { readonly warnings: readonly string[] } }): boolean =>
      router.warnings.some((warning) =>
        warning.includes(`${HUB_NAME} leads to ${picture.home.lan.camera} here, and somebody else answers there`),
      )
    await waitForStatus(pi, (status) => isTold(status) && status.hub.registrar === 'reachable', 30_000)
    // Longer than the machine is looked at, idle.
    await sleep(10_000)
    expect({ endpoint: await endpoint(), outages: await outages() }).toEqual(before)
    expect((await statusOf(pi)).tunnel).toMatchObject({ state: 'up', notes: [] })
  })

  test('gets a tunnel that was lost back where it last carried', async () => {
    await pi.run('ip', ['link', 'del', 'hw0'])
    await waitForStatus(pi, ({ tunnel }) => tunnel.listenPort !== null && tunnel.state === 'up', 30_000)
    expect(await endpoint()).toBe(`${picture.hubAddress}:51820`)
  })

  test('is followed where it really moves', async () => {
    const next = await moveHub(lab, picture)
    await waitForStatus(pi, ({ tunnel }) => tunnel.endpoint === `${next}:51820`, 60_000)
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 30_000)
    await waitForStatus(pi, ({ router }) => !router.warnings.some((warning) => warning.includes(HUB_NAME)), 30_000)
    expect(await plannedSteps(pi)).toEqual([])
  })
})
