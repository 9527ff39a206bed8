import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { type FakeRouter, startFakeRouter } from './fake-router.ts'
import { isAtLeast, parseVersion } from './version.ts'

/**
 * An independent client of the API (librouteros, as Debian packages it) finds in the simulated router what it finds in a
 * real one: a simulator that is tried by our own client alone shares its misreadings.
 */
const DRIVER = fileURLToPath(new URL('librouteros-driver.py', import.meta.url))
/** Debian's: packages of its modules are for this one. */
const PYTHON = '/usr/bin/python3'

const SETUP = '/user/add name=old group=full password=plain-words'

let router: FakeRouter | undefined
afterEach(async () => {
  await router?.close()
})

// A process starts, and nine sessions.
const LIMIT_MS = 60_000

test.each(['7.12.2', '7.16.2', '7.18.2', '7.21'])(
  'librouteros understands a router with RouterOS %s',
  async (version) => {
    router = await startFakeRouter({ version, setup: SETUP })
    const seen = await drive({ port: router.plainPort, tlsPort: router.tlsPort })
    expect(seen).toMatchObject({
      wrong: 'invalid user name or password (6)',
      peer: [{ interface: 'hw0', 'persistent-keepalive': '25s', rx: 0 }],
      queries: {
        equal: ['hw1'],
        not: ['hw0', 'hw2'],
        less: ['hw1'],
        in: ['hw0', 'hw2'],
        and: ['hw1'],
        or: ['hw0', 'hw1'],
        nothing: [],
      },
      has: ['hw0', 'hw1', 'hw2'],
      traps: {
        twice: 'failure: already have interface with such name',
        unknown: 'unknown parameter nonsense',
        gone: 'no such item',
        command: 'no such command',
        menu: 'no such command prefix',
        interface: 'input does not match any value of interface',
        key: 'failure: entry already exists',
        value: 'invalid value for argument mtu',
      },
      left: ['hw0'],
      lengths: [true, true, true, true, true],
      'utf-8': Buffer.from('Gäste – WLAN').toString('hex'),
      cp1252: '47e4737465209620574c414e',
      quit: expect.stringContaining('session terminated on request'),
    })
    const ids = (seen['ids'] as string[]).map((id) => Number.parseInt(id.slice(1), 16))
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
    const [peer] = seen['peer'] as Record<string, unknown>[]
    expect(Object.keys(peer ?? {}).includes('name')).toBe(isAtLeast(parseVersion(version), '7.15'))
  },
  LIMIT_MS,
)

test(
  'librouteros logs in to an old router with its challenge',
  async () => {
    router = await startFakeRouter({ version: '6.42.12', setup: SETUP })
    expect(await drive({ port: router.plainPort, token: true })).toEqual({
      token: null,
      'token-wrong': 'cannot log in',
    })
  },
  LIMIT_MS,
)

async function drive(plan: object): Promise<Record<string, unknown>> {
  const python = spawn(PYTHON, [DRIVER], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(python, 'exit')
  python.stdin.end(JSON.stringify({ host: '127.0.0.1', ...plan }))
  const [out, errors, [code]] = await Promise.all([text(python.stdout), text(python.stderr), exited])
  if (errors.includes("No module named 'librouteros'"))
    throw new Error(
      'this test wants the independent client: apt-get install --no-install-recommends python3-librouteros',
    )
  if (code !== 0) throw new Error(`the driver failed: ${errors}`)
  return JSON.parse(out) as Record<string, unknown>
}
