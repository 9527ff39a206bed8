import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, runHub, startAgent, startHub, statusOf, hubStatusOf, waitForStatus } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

let lab: Lab
let picture: Picture
let pi: Host
let agent: LabProcess
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  daemon = await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(pi)
})
afterAll(() => lab.close())

const edit = (host: Host, file: string, change: string) =>
  host.shell(`sed -i '${change}' ${host.disk.configDir}/${file}`)

async function checked(host: Host, args: readonly string[] = []) {
  const { stdout, exitCode } = await host.homeward(['config', 'check', '--json', ...args], { allowFailure: true })
  const { files } = JSON.parse(stdout) as { files: readonly { path: string; problem: { why: string } | null }[] }
  return { exitCode, files }
}

test('settings that will be taken are said to be, at both ends, and a copy that is tried too', async () => {
  expect(await checked(pi)).toMatchObject({ exitCode: 0, files: [{ problem: null }] })
  expect(await checked(picture.hub)).toMatchObject({ exitCode: 0, files: [{ problem: null }] })
  const copy = '/run/agent.yaml.new'
  await pi.shell(`sed 's/^heartbeatSeconds:.*/hearbeatSeconds: 5/' ${pi.disk.configDir}/agent.yaml > ${copy}`)
  const { exitCode, files } = await checked(pi, [copy])
  expect(exitCode).toBe(1)
  expect(files[0]?.problem?.why).toMatch(/^line \d+: hearbeatSeconds is not a setting; heartbeatSeconds is one$/)
})

test('a home that begins with a slip in agent.yaml goes on with what it said before, and says so until it is put right', async () => {
  await agent.stop()
  await edit(pi, 'agent.yaml', 's/^mtu:.*/mtu: fourteen/')
  const { files } = await checked(pi)
  agent = await startAgent(pi)
  const { router } = await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
  const said = router.warnings.find((warning) => warning.includes('agent.yaml is not in force'))
  // The same words as before it was tried.
  expect(said).toContain(files[0]?.problem?.why)
  await edit(pi, 'agent.yaml', 's/^mtu:.*/mtu: 1420/')
  await agent.waitForLine(/took the new configuration/)
  expect((await statusOf(pi)).router.warnings.join()).not.toContain('not in force')
})

test('so does a hub with one in hub.yaml', async () => {
  await daemon.stop()
  await edit(picture.hub, 'hub.yaml', 's/^port:/prot:/')
  expect((await checked(picture.hub)).exitCode).toBe(1)
  daemon = await runHub(picture)
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
  expect((await hubStatusOf(picture.hub)).warnings?.join()).toMatch(
    /hub\.yaml is not in force: .*prot is not a setting; port is one/,
  )
  await edit(picture.hub, 'hub.yaml', 's/^prot:/port:/')
  await daemon.waitForLine(/took the new settings/)
  expect((await hubStatusOf(picture.hub)).warnings?.join() ?? '').not.toContain('not in force')
})
