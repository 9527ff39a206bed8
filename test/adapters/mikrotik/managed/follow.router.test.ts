import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Adapter } from '../../../../adapters/adapter.ts'
import { applyDesired } from '../../../../adapters/apply.ts'
import type { FollowEnd } from '../../../../adapters/follow.ts'
import type { FakeRouter } from '../../../fake/routeros/fake-router.ts'
import { only } from '../../only.ts'
import { adapterFor, signal, start } from './managed-router.ts'
import { HOME } from './wanted-home.ts'

interface Followed {
  readonly router: FakeRouter
  readonly adapter: Adapter
  /** How often something was told, and whether all is told. */
  readonly heard: { changed: number; begun: number }
  readonly stop: () => void
  readonly ended: Promise<FollowEnd>
}

/** A router with the tunnel on it, as a look saw it, and somebody who listens. */
async function followed(
  prepare: (router: FakeRouter) => void = () => undefined,
  version = '7.18.2',
): Promise<Followed> {
  const router = await start({ version })
  const adapter = await adapterFor(router)
  await applyDesired(adapter, only(HOME), signal())
  await adapter.observe(signal())
  prepare(router)
  const heard = { changed: 0, begun: 0 }
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  const ended = adapter.follow!(
    { begun: () => void (heard.begun += 1), changed: () => void (heard.changed += 1) },
    ending.signal,
  )
  return { router, adapter, heard, stop: () => ending.abort(), ended }
}

const begun = ({ heard }: Followed) => expect.poll(() => heard.begun).toBe(1)

/** What is told of one act, and that another look repairs. */
async function expectTold(given: Followed, script: string): Promise<void> {
  const { router, adapter, heard } = given
  await adapter.observe(signal())
  const before = heard.changed
  await router.console(script)
  await expect.poll(() => heard.changed, { message: script }).toBeGreaterThan(before)
  await applyDesired(adapter, only(HOME), signal())
  expect(adapter.plan(await adapter.observe(signal()), only(HOME)).steps).toEqual([])
}

const DELETIONS = [
  '/interface/wireguard/remove [find where name=hw0]',
  '/interface/wireguard/disable [find where name=hw0]',
  '/interface/wireguard/set [find where name=hw0] mtu=1300',
  '/interface/wireguard/peers/remove [find where interface=hw0]',
  '/ip/address/remove [find where interface=hw0]',
  '/ip/route/remove [find where comment~"^homeward hw0 "]',
  '/ip/firewall/filter/remove [find where comment="homeward hw0 forward-drop"]',
  '/ip/firewall/nat/remove [find where comment~"^homeward hw0 "]',
  '/ip/firewall/mangle/remove [find where comment~"^homeward hw0 "]',
] as const

describe('a router tells what becomes of ours', () => {
  test.each(['true', 'yes'] as const)('each deletion and change, with .dead=%s', async (dead) => {
    const given = await followed((router) => {
      router.switches.events = { ...router.switches.events, dead }
    })
    await begun(given)
    for (const script of DELETIONS) await expectTold(given, script)
  })

  test('events twice and late', async () => {
    const given = await followed((router) => {
      router.switches.events = { ...router.switches.events, isDoubled: true, lateMs: 40 }
    })
    await begun(given)
    for (const script of DELETIONS) await expectTold(given, script)
  })

  test('on the session that there is anyway, which keeps no secret', async () => {
    const given = await followed()
    await begun(given)
    expect(given.router.sessions()).toBe(1)
    const listens = given.router.transcript().filter(([command]) => command?.endsWith('/listen') === true)
    expect(listens).toHaveLength(8)
    expect(listens.flat().join(' ')).not.toContain('private-key')
    given.stop()
    expect(await given.ended).toMatchObject({ kind: 'ended' })
    await expect
      .poll(() => given.router.transcript().filter(([command]) => command === '/cancel').length)
      .toBe(listens.length)
    const { changed } = given.heard
    await given.router.console(DELETIONS[5])
    expect(given.adapter.plan(await given.adapter.observe(signal()), only(HOME)).steps).not.toEqual([])
    expect(given.heard.changed).toBe(changed)
  })
})

describe('what is nobody’s business here is no hint', () => {
  test('rows that the router makes by itself, and rows that a look has read already', async () => {
    const given = await followed()
    await begun(given)
    const lease = { '.id': '*FF', address: '10.1.1.1/32', interface: 'ppp1', dynamic: 'true' }
    given.router.pour('/ip/address', [lease, { '.id': '*FF', '.dead': 'true' }, { '.id': '*FE', '.dead': 'yes' }])
    // Its answer comes after them.
    await given.adapter.observe(signal())
    expect(given.heard.changed).toBe(0)
    await expectTold(given, DELETIONS[4])
  })

  test('a hundred thousand routes end the listening to routes alone, for a while', async () => {
    const given = await followed()
    await begun(given)
    const routes = Array.from({ length: 2_000 }, (_, index) => ({
      '.id': `*A${index.toString(16).toUpperCase()}`,
      'dst-address': `10.${index >> 8}.${index & 255}.0/24`,
      dynamic: 'true',
    }))
    given.router.pour('/ip/route', routes)
    expect(await given.ended).toMatchObject({ kind: 'ended', why: expect.stringContaining('/ip/route') })
    expect(given.heard.changed).toBe(0)
    // The next one hears the rest, and says that this is not all.
    const heard = { changed: 0, begun: 0 }
    const ending = new AbortController()
    onTestFinished(() => ending.abort())
    const before = given.router.transcript().length
    void given.adapter.follow!(
      { begun: () => void (heard.begun += 1), changed: () => void (heard.changed += 1) },
      ending.signal,
    )
    const listens = () =>
      given.router
        .transcript()
        .slice(before)
        .map(([command]) => command)
    await expect.poll(listens).toContain('/system/identity/print')
    expect(listens()).not.toContain('/ip/route/listen')
    await given.router.console(DELETIONS[4])
    await expect.poll(() => heard.changed).toBeGreaterThan(0)
    expect(heard.begun).toBe(0)
  })
})

describe('a router that does not tell', () => {
  test('has no listen at all', async () => {
    const given = await followed((router) => {
      router.switches.events = { ...router.switches.events, lacking: /./ }
    })
    expect(await given.ended).toMatchObject({ kind: 'unsupported', why: expect.stringContaining('no such command') })
    expect(given.heard).toEqual({ begun: 0, changed: 0 })
  })

  test('has none for one menu: the others are heard, and nobody relies on it', async () => {
    const given = await followed((router) => {
      router.switches.events = { ...router.switches.events, lacking: /mangle$/ }
    })
    await expectTold(given, DELETIONS[4])
    expect(given.heard.begun).toBe(0)
  })

  test.each(['fin', 'rst', 'fatal', 'garbage'] as const)('ends the session by %s', async (how) => {
    const given = await followed()
    await begun(given)
    given.router.dropSessions(how)
    if (how === 'garbage') await given.adapter.observe(signal()).catch(() => undefined)
    expect(await given.ended).toMatchObject({ kind: 'ended' })
  })

  test('drops the session without a word: it is asked whether it lives', async () => {
    const given = await followed()
    await begun(given)
    given.router.dropSessions('silent')
    // The pulse, and how long its answer is waited for.
    expect(await given.ended).toMatchObject({ kind: 'ended' })
  }, 60_000)
})

vi.setConfig({ testTimeout: 60_000 })
