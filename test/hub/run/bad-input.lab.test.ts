import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { isLong, someOf } from '../../long.ts'

let lab: Lab
let hub: Host
let daemon: LabProcess

async function startDaemon(env: Readonly<Record<string, string>> = {}): Promise<LabProcess> {
  const started = hub.startHomeward(['hub', 'run'], { env })
  await started.waitForLine(/the hub is ready/, { timeoutMs: 60_000 })
  return started
}

beforeAll(async () => {
  lab = await createLab()
  ;[hub] = (await lab.addHosts([{ name: 'hub' }])) as [Host]
  await hub.homeward(['hub', 'init', '--address', '203.0.113.10', '--yes'])
  daemon = await startDaemon()
})
afterAll(() => lab.close())

const URL = 'https://127.0.0.1:51820'

interface Answer {
  readonly status: number
  readonly text: string
  readonly code: string | null
}

async function post(path: string, body: string, more: readonly string[] = []): Promise<Answer> {
  const { stdout } = await hub.run(
    'curl',
    [
      '-sk',
      '-m',
      '20',
      '-X',
      'POST',
      '-H',
      'content-type: application/json',
      ...more,
      '--data-binary',
      '@-',
      '-w',
      '\n%{http_code}',
      `${URL}${path}`,
    ],
    { input: body, timeoutMs: 120_000, allowFailure: true },
  )
  const lines = stdout.split('\n')
  const text = lines.slice(0, -1).join('\n')
  return { status: Number(lines.at(-1)), text, code: /"code":"([a-z-]+)"/.exec(text)?.[1] ?? null }
}

const storePath = (): string => join(hub.disk.stateDir, 'store.json')
const SECRET = 'A'.repeat(43)
const KEY = `${'A'.repeat(43)}=`
const joinBody = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    version: 1,
    joinSecret: SECRET,
    publicKey: KEY,
    homeSecret: SECRET,
    lan: [],
    preview: false,
    ...more,
  })

/** Sends wrong tokens over a few connections; answers what came back, counted by status. */
/** Wrong tokens. */
const ATTEMPTS = isLong ? 10_000 : 400

const ATTACK = `
const https = require('node:https')
const agent = new https.Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false })
const [, many] = process.argv
let left = Number(many), open = 0, slowest = 0
const counts = {}
function one() {
  if (left-- <= 0) return
  const body = JSON.stringify({ version: 1, joinSecret: require('node:crypto').randomBytes(32).toString('base64url'),
    publicKey: '${KEY}', homeSecret: '${SECRET}', lan: [], preview: false })
  const began = performance.now()
  const request = https.request('${URL}/v1/join', { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (response) => {
    counts[response.statusCode] = (counts[response.statusCode] ?? 0) + 1
    response.resume().on('end', () => { slowest = Math.max(slowest, performance.now() - began); one(); done() })
  })
  request.on('error', () => { counts.error = (counts.error ?? 0) + 1; one(); done() })
  open += 1
  request.end(body)
}
function done() { if (--open === 0) { console.log(JSON.stringify({ counts, slowest })); agent.destroy() } }
for (let lane = 0; lane < 8; lane += 1) one()
`

async function daemonRssMb(): Promise<number> {
  const { stdout } = await hub.shell(`awk '/^VmRSS/ { print $2 }' /proc/$(pgrep -f 'hub run$' | head -n 1)/status`)
  return Number(stdout) / 1024
}

describe('a registrar that is fed with garbage', () => {
  test.each<readonly [string, string, string, number, string]>([
    ['no JSON', '/v1/join', 'garbage', 400, 'request-invalid'],
    ['half of a JSON', '/v1/join', '{"version":1,"joinSec', 400, 'request-invalid'],
    ['another version', '/v1/join', joinBody({ version: 99 }), 400, 'request-invalid'],
    ['a field of another type', '/v1/join', joinBody({ lan: 'all of it' }), 400, 'request-invalid'],
    ['a field that is missing', '/v1/join', joinBody({ preview: undefined }), 400, 'request-invalid'],
    ['a token nobody made', '/v1/join', joinBody(), 403, 'token-unknown'],
    ['no secret', '/v1/register', '{}', 401, 'home-unknown'],
    ['an address that is none', '/v2/everything', '{}', 404, 'request-invalid'],
  ])('%s: refused by name, and it goes on', async (_what, path, body, status, code) => {
    const answer = await post(path, body)
    expect(answer).toMatchObject({ status, code })
    expect(answer.text).not.toContain(SECRET)
  })

  test('names the field and what belongs there, never what came', async () => {
    const { text } = await post('/v1/join', joinBody({ joinSecret: 'hunter2-hunter2' }))
    expect(text).toContain('joinSecret')
    expect(text).not.toContain('hunter2')
  })

  test('a wrong secret in a header is refused and not repeated', async () => {
    const answer = await post('/v1/register', '{}', ['-H', `authorization: Bearer cabin.${'B'.repeat(43)}`])
    expect(answer).toMatchObject({ status: 401, code: 'home-unknown' })
    expect(answer.text).not.toContain('BBBB')
  })

  test('a body that is too large is refused, whether or not it says its length', async () => {
    const large = JSON.stringify({ filler: 'x'.repeat(2_000_000) })
    expect(await post('/v1/join', large)).toMatchObject({ status: 413, code: 'body-too-large' })
    expect((await post('/v1/join', large, ['-H', 'transfer-encoding: chunked'])).status).toBe(413)
  })

  test('a body that never ends is cut off, and others are answered meanwhile', async () => {
    const slow = hub.start('sh', [
      '-c',
      `(printf 'POST /v1/join HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 1000\\r\\n\\r\\n{'; sleep 40) | openssl s_client -quiet -connect 127.0.0.1:51820 2>/dev/null; echo cut off`,
    ])
    const began = performance.now()
    expect((await post('/v1/join', joinBody())).status).toBe(403)
    expect(performance.now() - began).toBeLessThan(30_000)
    await hub.run('sh', ['-c', 'while pgrep -x openssl >/dev/null; do sleep 0.2; done'])
    await slow.kill('SIGKILL')
  })

  test(`${ATTEMPTS} wrong tokens: refused, then limited; no growth, no secret in the log, right ones served`, async () => {
    const token = (await hub.homeward(['hub', 'invite', 'cabin'])).stdout.trim()
    const secret = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { joinSecret: string }
    const attack = async (): Promise<Record<string, number>> => {
      const { stdout } = await hub.run(process.execPath, ['-e', ATTACK, String(ATTEMPTS)], { timeoutMs: 200_000 })
      return (JSON.parse(stdout) as { counts: Record<string, number> }).counts
    }
    // The first ones let V8's heap grow to its limit (the unit sets one too); after that it must stay.
    await daemon.stop()
    daemon = await startDaemon({ NODE_OPTIONS: '--max-old-space-size=64' })
    await attack()
    const before = await daemonRssMb()
    const counts = await attack()
    expect(counts['429']).toBeGreaterThan(ATTEMPTS - 100)
    expect(counts['200']).toBeUndefined()
    expect((await daemonRssMb()) - before).toBeLessThan(15)
    const right = await post('/v1/join', joinBody({ joinSecret: secret.joinSecret, preview: true }))
    expect(right).toMatchObject({ status: 200 })
    const log = daemon.stdout + daemon.stderr
    expect(log).not.toContain(secret.joinSecret)
    expect(log.split('\n').length).toBeLessThan(60)
  })
})

describe('a store that cannot be trusted or written', () => {
  test('a disk that is full: the command says so, the daemon and the old file stay as they were', async () => {
    const before = await readFile(storePath(), 'utf8')
    // A folder of its own with no room: what was there is seen through a bind of the file's copy.
    await hub.shell(`
mkdir -p /run/full && mount -t tmpfs -o size=64k tmpfs /run/full
cp ${storePath()} /run/full/store.json
dd if=/dev/zero of=/run/full/filler bs=1k 2>/dev/null || true
`)
    await daemon.stop()
    const env = { HOMEWARD_STATE_DIR: '/run/full' }
    daemon = hub.startHomeward(['hub', 'run'], { env })
    await daemon.waitForLine(/the hub is ready/, { timeoutMs: 60_000 })
    const refused = await hub.homeward(['hub', 'invite', 'lodge', '--json'], { env, allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stdout).toContain('"write-failed"')
    expect((await hub.run('cat', ['/run/full/store.json'])).stdout).toBe(before)
    const files = await hub.run('find', ['/run/full', '-type', 'f', '-printf', '%f\n'])
    expect(files.stdout.trim().split('\n').sort()).toEqual(['filler', 'store.json'])
    await hub.run('rm', ['/run/full/filler'])
    expect((await hub.homeward(['hub', 'invite', 'lodge'], { env })).stdout).toMatch(/^hw1\./)
    await daemon.stop()
    daemon = await startDaemon()
  })

  test.each<readonly [string, string, string]>([
    ['damaged', '{"schema":1,"homes":[{"na', 'store-damaged'],
    ['of a newer homeward', '{"schema":99,"homes":[]}', 'store-newer'],
    ['of a shape nobody knows', '{"schema":1,"homes":{}}', 'store-damaged'],
  ])('one that is %s is refused and left untouched', async (_what, text, code) => {
    await daemon.stop()
    const good = await readFile(storePath(), 'utf8')
    await writeFile(storePath(), text)
    const refused = await hub.homeward(['hub', 'run', '--json'], { allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stdout).toContain(code)
    expect(await readFile(storePath(), 'utf8')).toBe(text)
    await writeFile(storePath(), good)
    daemon = await startDaemon()
  })

  test('a damaged one is put back by the command that the refusal names, and by no other while the hub runs', async () => {
    const running = await hub.homeward(['hub', 'restore-store', '--yes', '--json'], { allowFailure: true })
    expect(running.exitCode).toBe(1)
    expect(running.stdout).toContain('"already-running"')
    const older = await readFile(join(hub.disk.stateDir, 'store.1.json'), 'utf8')
    await daemon.stop()
    await writeFile(storePath(), '{"schema":1,"homes":[{"na')
    const refused = await hub.homeward(['hub', 'status', '--json'], { allowFailure: true })
    expect(refused.stdout).toContain('sudo homeward hub restore-store brings back the store of')
    const unasked = await hub.homeward(['hub', 'restore-store', '--json'], { allowFailure: true })
    expect(unasked.stdout).toContain('"needs-yes"')
    const restored = await hub.homeward(['hub', 'restore-store', '--yes'])
    expect(restored.stdout).toContain('The store is back')
    expect(await readFile(storePath(), 'utf8')).toBe(older)
    expect(await readFile(join(hub.disk.stateDir, 'store.before-restore.json'), 'utf8')).toBe(
      '{"schema":1,"homes":[{"na',
    )
    daemon = await startDaemon()
  })

  test('killed at random moments of many changes, it is whole each time and what was promised is in it', async () => {
    const promised: string[] = []
    for (const round of someOf([0, 1, 2, 3, 4, 5, 6, 7], 4)) {
      const invites = [0, 1, 2, 3].map(async (index) => {
        const name = `home-${round}-${index}`
        const { exitCode } = await hub.homeward(['hub', 'invite', name], { allowFailure: true })
        if (exitCode === 0) promised.push(name)
      })
      await sleep(40 * (round + 1))
      await daemon.kill('SIGKILL')
      await daemon.exited
      await Promise.all(invites)
      daemon = await startDaemon()
      const { invites: kept } = JSON.parse(await readFile(storePath(), 'utf8')) as { invites: { home: string }[] }
      const names = kept.map((invite) => invite.home)
      for (const name of promised) expect(names).toContain(name)
    }
    expect(promised.length).toBeGreaterThan(4)
  })
})

describe('settings and ports', () => {
  test('a wrong type in hub.yaml is named with line and accepted values, and the running hub keeps the last good ones', async () => {
    const path = join(hub.disk.configDir, 'hub.yaml')
    const good = await readFile(path, 'utf8')
    const from = daemon.lineCount
    await writeFile(path, good.replace(/^mtu: .*$/m, 'mtu: wide'))
    const [line] = await daemon.waitForLine(/hub\.yaml.*line \d+.*mtu.*$/, { after: from })
    expect(line).toContain('number')
    expect((await hub.homeward(['hub', 'invite', 'barn'])).stdout).toMatch(/^hw1\./)
    await writeFile(path, good)
  })

  test('a port that somebody else has is named, with who has it', async () => {
    const other = hub.start('sh', [
      '-c',
      'exec perl -e "use Socket; socket(S,PF_INET,SOCK_STREAM,0); bind(S,sockaddr_in(4711,INADDR_ANY)); listen(S,1); print qq(ready\\n); \\$|=1; sleep 600"',
    ])
    await hub.run('sh', ['-c', 'until ss -ltn | grep -q :4711; do sleep 0.1; done'])
    const refused = await hub.homeward(
      ['hub', 'init', '--address', '203.0.113.10', '--port', '4711', '--yes', '--json'],
      {
        allowFailure: true,
        env: {
          HOMEWARD_CONFIG_DIR: '/run/second/config',
          HOMEWARD_STATE_DIR: '/run/second/state',
          HOMEWARD_RUNTIME_DIR: '/run/second',
        },
      },
    )
    expect(refused.exitCode).toBe(1)
    expect(refused.stdout).toContain('port-taken')
    expect(refused.stdout).toContain('4711')
    await other.kill('SIGKILL')
  })
})
