import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import { makeReader, type TunnelReading } from '../../../agent/tunnel/reading.ts'
import { next, startWatch } from '../../../agent/core/watch.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { start } from '../../fake/routeros/router-session.ts'
import type { FakeRouter } from '../../fake/routeros/fake-router.ts'
import { sampleTunnel } from '../sample-config.ts'

const SETUP = `
/user/group/add name=homeward policy=api,read,write,test
/user/add name=homeward group=homeward password=word`

/** An agent's look at a router, each time by a new one where nothing is kept. */
async function looking(router: FakeRouter): Promise<() => Promise<TunnelReading>> {
  const stateDir = await mkdtemp(join(tmpdir(), 'homeward-trouble-'))
  let now = 0
  // A minute between two looks: no pause between attempts lasts so long.
  const clock: Clock = { now: () => (now += 60_000), wall: () => new Date() }
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: router.tlsPort!,
    user: 'homeward',
    password: async () => 'word',
    certificate: router.fingerprint,
    stateDir,
    clock,
  })
  onTestFinished(async () => {
    await adapter.close()
    await rm(stateDir, { recursive: true })
  })
  const settings = { heartbeatMs: 5_000, inUseMs: 1_000, jitter: 0.5, mtu: 1_420, lifeSeconds: null }
  const beginning = { ledger: { current: null, changes: 0 }, firstSequence: 0, mtu: 1_420, helped: {} }
  const [watch] = next(startWatch(settings, beginning, 0), { kind: 'tick' }, 0)
  return makeReader({
    clock,
    look: () => ({ watch, stale: false }),
    adapter,
    warnings: async () => [],
    config: () => sampleTunnel,
    path: { endpoint: null, transport: null },
    published: () => null,
    events: { lastMapping: () => null, mappingTimes: () => [] },
  })
}

test('a router that refuses the login, has fewer rights for us, another certificate or nothing to say: each its own', async () => {
  const router = await start({ version: '7.16.2', setup: SETUP })
  const look = await looking(router)
  expect(await look()).toMatchObject({ routerTrouble: null, lastSeen: { observed: { interfaces: [] } } })
  const seen = (await look()).lastSeen?.at

  const trouble = async (script: string): Promise<string | null> => {
    await router.console(script)
    router.dropSessions('rst')
    // The first look may still find the old session: its end is an answer too, and the pause is over at the next.
    let found: string | null = null
    await expect
      .poll(async () => {
        found = (await look()).routerTrouble
        return found
      })
      .not.toBe('router-silent')
    return found
  }
  expect(await trouble('/user/set [find where name=homeward] password=other')).toBe('router-login-refused')
  const { lastSeen, observed } = await look()
  expect([observed, lastSeen?.at !== undefined && lastSeen.at >= seen!]).toEqual([null, true])
  expect(
    await trouble(
      '/user/set [find where name=homeward] password=word\n/user/group/set [find where name=homeward] policy=!read',
    ),
  ).toBe('router-rights-missing')
  expect(await trouble('/user/group/set [find where name=homeward] policy=read\n/certificate/sign api')).toBe(
    'router-identity-changed',
  )
})

test('while the next login waits for its pause, a refused one is still that and no silence', async () => {
  const router = await start({ version: '7.16.2', setup: SETUP })
  const stateDir = await mkdtemp(join(tmpdir(), 'homeward-trouble-'))
  const clock: Clock = { now: () => 0, wall: () => new Date() }
  const access = { host: '127.0.0.1', port: router.tlsPort!, user: 'homeward', certificate: router.fingerprint }
  const adapter = mikrotikAdapter({ ...access, password: async () => 'no', stateDir, clock })
  onTestFinished(async () => {
    await adapter.close()
    await rm(stateDir, { recursive: true })
  })
  const signal = AbortSignal.timeout(30_000)
  await expect(adapter.observe(signal)).rejects.toMatchObject({ code: 'router-login-refused' })
  await expect(adapter.observe(signal)).rejects.toMatchObject({
    code: 'router-login-refused',
    why: expect.stringContaining('next attempt is due'),
  })
})
