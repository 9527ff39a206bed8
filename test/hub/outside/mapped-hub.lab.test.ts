import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, machineState, problemOf, runHub, startAgent } from '../../agent/lab-home.ts'
import { homewardCommand } from '../../lab/homeward.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { HUB_INSIDE, mapHub, serveStun } from '../../lab/places/mapped-hub.ts'

let lab: Lab
let picture: Picture
let honest: string
let late: string
let lying: string
let silent: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  const { visitor, phone } = picture
  ;[honest, late, lying, silent] = await Promise.all([
    serveStun(lab, visitor, '198.18.0.20', 3478, { kind: 'honest' }),
    serveStun(lab, phone, '192.0.2.20', 3478, { kind: 'late', nth: 2 }),
    serveStun(lab, phone, '192.0.2.20', 3479, { kind: 'lying', address: '198.51.100.66' }),
    serveStun(lab, phone, '192.0.2.20', 3480, { kind: 'silent' }),
  ])
})
afterAll(() => lab.close())

/** In a pipe, as a script has it: what `hub init` refuses with, and that it changed nothing. */
async function refusal(...stun: readonly string[]): Promise<string> {
  const before = await machineState(picture.hub)
  const { exitCode, code, message, stderr } = await problemOf(picture.hub, [
    'hub',
    'init',
    '--yes',
    '--stun',
    stun.join(','),
  ])
  expect({ exitCode, code }).toEqual({ exitCode: 64, code: 'wrong-usage' })
  expect(await machineState(picture.hub)).toBe(before)
  return `${message} ${stderr}`
}

test('with an address of the internet on its interface nobody is asked', async () => {
  const { stdout, stderr } = await picture.hub.homeward(['hub', 'address', '--stun', silent])
  expect(stdout).toBe(`${picture.hubAddress}\n`)
  expect(stderr).toContain(`This machine is reached at ${picture.hubAddress}`)
})

test('behind a NAT that is shared no address is proposed', async () => {
  await mapHub(picture, 'shared')
  expect(await refusal(honest, late)).toMatch(/a symmetric NAT|a NAT that changes ports/)
})

test('behind a mapping of the provider it refuses in a pipe, and says what to pass', async () => {
  await mapHub(picture, 'one to one')
  const said = await refusal(honest, late)
  expect(said).toContain(`this machine’s own address is ${HUB_INSIDE}, not one of the internet`)
  expect(said).toContain('198.18.0.20 and 192.0.2.20 see it at 203.0.113.10')
  expect(said).toContain('that is proven only when the first home has joined')
  expect(said).toContain('pass --address 203.0.113.10')
})

test('servers that disagree are told, and one that does not answer is waited for and told', async () => {
  expect(await refusal(honest, lying)).toMatch(
    /the servers disagree: 198\.18\.0\.20 sees 203\.0\.113\.10:\d+, 192\.0\.2\.20 sees 198\.51\.100\.66:\d+/,
  )
  expect(await refusal(honest, silent)).toContain('198.18.0.20 sees it at 203.0.113.10 (192.0.2.20 did not answer)')
  expect(await refusal('nobody.invalid', 'none.invalid')).toContain(
    'nobody.invalid:3478: its name has no IPv4 address here',
  )
})

test('at a terminal it asks, with the address there, and what was taken is where the home joins and the phone comes in', async () => {
  const { hub, home, phone } = picture
  const command = `stty cols 100 rows 30; ${process.execPath} ${homewardCommand()} hub init --yes --stun ${honest},${late}`
  const terminal = hub.start('script', ['--quiet', '--return', '--command', command, '/dev/null'])
  await terminal.waitForLine(/reached from outside\?/)
  // Some terminals' drawing ends without a line; Enter takes what stands there, whenever it is read.
  terminal.write('\r')
  await terminal.waitForLine(/No interface of this machine has 203\.0\.113\.10/, { timeoutMs: 120_000 })
  expect((await terminal.exited).code).toBe(0)
  expect(await readFile(join(hub.disk.configDir, 'hub.yaml'), 'utf8')).toContain('addresses: ["203.0.113.10"]')

  await runHub(picture)
  const { stderr } = await home.pi.homeward(['join', await inviteHome(picture), '--yes'])
  expect(stderr).toContain('cabin')
  await startAgent(home.pi)
  const conf = join(phone.disk.configDir, 'phone.conf')
  await home.pi.homeward(['device', 'add', 'phone', '--conf', conf])
  await phone.run('wg-quick', ['up', conf])
  await expect
    .poll(
      async () =>
        (await phone.run('curl', ['-sS', '-m', '3', `http://${home.lan.camera}/`], { allowFailure: true })).stdout,
    )
    .toContain('camera')
})
