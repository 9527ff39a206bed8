import { afterEach, describe, expect, test } from 'vitest'
import { openSession } from '../../../adapters/mikrotik/api/api.ts'
import type { Session } from '../../../adapters/mikrotik/api/session.ts'
import { ADMIN, type FakeRouter, startFakeRouter } from './fake-router.ts'

const signal = () => AbortSignal.timeout(10_000)
let router: FakeRouter | undefined
let open: Session[] = []

afterEach(async () => {
  for (const session of open) session.close()
  open = []
  await router?.close()
})

async function start(version: string, more: object = {}): Promise<FakeRouter> {
  router = await startFakeRouter({ version, ...more })
  return router
}

async function logIn(of: FakeRouter, user: string = ADMIN.user, password: string = ADMIN.password): Promise<Session> {
  const access = {
    host: '127.0.0.1',
    port: of.tlsPort ?? 0,
    certificate: of.fingerprint,
    user,
    password: async () => password,
  }
  const session = await openSession(access, signal())
  open.push(session)
  return session
}

const WG = '/interface/wireguard'
const PEER_KEY = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='

describe.each(['7.12.2', '7.16.2', '7.18.2', '7.21'])('a router with RouterOS %s', (version) => {
  test('makes its own keys, and shows them to nobody without the right', async () => {
    const of = await start(version, {
      setup: '/user/add name=pi group=least password=x\n'.replace(
        '/user',
        '/user/group/add name=least policy=api,read,write,test\n/user',
      ),
    })
    const session = await logIn(of, 'pi', 'x')
    const { ret } = await session.exec({ command: `${WG}/add`, attributes: { name: 'hw0', comment: 'ours' } }, signal())
    expect(ret).toMatch(/^\*[0-9A-F]+$/)
    const { rows } = await session.exec({ command: `${WG}/print` }, signal())
    expect(rows).toMatchObject([{ name: 'hw0', comment: 'ours', 'private-key': '*****', running: 'true', mtu: '1420' }])
    expect(rows[0]?.['public-key']).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    await expect(
      session.exec({ command: '/user/add', attributes: { name: 'x', group: 'full' } }, signal()),
    ).rejects.toThrow('not enough permissions (9)')
  })

  test('refuses what this version does not know', async () => {
    const session = await logIn(await start(version))
    await session.exec({ command: `${WG}/add`, attributes: { name: 'hw0' } }, signal())
    const add = (more: Record<string, string>) =>
      session.exec(
        { command: `${WG}/peers/add`, attributes: { interface: 'hw0', 'public-key': PEER_KEY, ...more } },
        signal(),
      )
    if (version === '7.12.2') await expect(add({ name: 'hub' })).rejects.toThrow('unknown parameter name')
    await expect(add({ nonsense: '1' })).rejects.toThrow('unknown parameter nonsense')
    await add({ 'persistent-keepalive': '25' })
    await expect(add({})).rejects.toThrow('failure: entry already exists')
    const { rows } = await session.exec({ command: `${WG}/peers/print` }, signal())
    expect(rows[0]).toMatchObject({ 'persistent-keepalive': '25s', rx: '0' })
    expect(rows[0]).not.toHaveProperty('last-handshake')
    expect(rows[0]?.['name']).toBe(version === '7.12.2' ? undefined : 'peer1')
  })

  test('answers a print of nothing, and finds by query', async () => {
    const session = await logIn(await start(version))
    expect((await session.exec({ command: '/ip/route/print' }, signal())).rows).toEqual([])
    for (const name of ['a', 'b']) await session.exec({ command: `${WG}/add`, attributes: { name } }, signal())
    const { rows } = await session.exec(
      { command: `${WG}/print`, attributes: { '.proplist': 'name' }, queries: ['?name=b'] },
      signal(),
    )
    expect(rows).toEqual([{ name: 'b' }])
  })

  test('runs a script in the background until it is ended', async () => {
    const of = await start(version)
    const session = await logIn(of)
    const before = of.export()
    const script = `:delay 1h\n${WG}/add name=late`
    const { ret } = await session.exec({ command: '/execute', attributes: { script } }, signal())
    expect(of.jobs()).toBe(1)
    await session.exec({ command: '/system/script/job/remove', attributes: { '.id': ret ?? '' } }, signal())
    expect(of.jobs()).toBe(0)
    expect(of.export()).toBe(before)
  })
})

test('takes back what was changed in safe mode when its session is lost', async () => {
  const of = await start('7.18.2')
  await of.console(`${WG}/add name=before comment="café"`)
  const before = of.export()
  const key = await of.console(`${WG}/print`)
  const holder = await logIn(of)
  await holder.exec({ command: '/safe-mode/take' }, signal())
  await holder.exec({ command: `${WG}/remove`, attributes: { '.id': 'before' } }, signal())
  await holder.exec({ command: `${WG}/add`, attributes: { name: 'after' } }, signal())
  expect(of.export()).not.toBe(before)
  const other = await logIn(of)
  await expect(other.exec({ command: '/safe-mode/take' }, signal())).rejects.toThrow('failure')
  holder.close()
  await expect.poll(() => of.export()).toBe(before)
  expect(await of.console(`${WG}/print`)).toBe(key)
})

test('older ones have no safe mode, and before 7.1 no WireGuard', async () => {
  const session = await logIn(await start('7.16.2'))
  await expect(session.exec({ command: '/safe-mode/take' }, signal())).rejects.toThrow('no such command prefix')
  await router?.close()
  const old = await logIn(await start('6.49.10'))
  await expect(old.exec({ command: `${WG}/print` }, signal())).rejects.toThrow(
    'no such command or directory (wireguard)',
  )
})

test('places rules before others, and keeps its own where they are', async () => {
  const of = await start('7.16.2')
  await of.console(`
/ip/firewall/filter
add chain=forward action=fasttrack-connection connection-state=established,related comment=fast
add chain=forward action=drop comment=last`)
  const session = await logIn(of)
  const print = async () => (await session.exec({ command: '/ip/firewall/filter/print' }, signal())).rows
  const [dummy, fast] = await print()
  expect(dummy).toMatchObject({ dynamic: 'true' })
  const add = (before: string) =>
    session.exec(
      {
        command: '/ip/firewall/filter/add',
        attributes: { chain: 'forward', action: 'accept', 'place-before': before },
      },
      signal(),
    )
  await expect(add(dummy?.['.id'] ?? '')).rejects.toThrow('failure')
  await add(fast?.['.id'] ?? '')
  expect((await print()).map((row) => row['action'])).toEqual(['passthrough', 'accept', 'fasttrack-connection', 'drop'])
})

test('an undo script finds by mark, goes on over what fails, and refuses what it does not know', async () => {
  const of = await start('7.12.2')
  await of.console(`${WG}/add name=hw0 comment="homeward hw0"\n${WG}/add name=mine comment="my own"`)
  await of.console(`
:do {/ip/route/remove [find where nothing=1 and comment~"^homeward hw0 "]} on-error={}
:do {${WG}/set *FFFF mtu=1} on-error={}
:if ([:len [${WG}/find where comment="homeward hw0"]] = 1) do={${WG}/remove [find where comment="homeward hw0" and name!="other"]}`)
  expect(of.export()).toContain('name=mine')
  expect(of.export()).not.toContain('hw0')
  await expect(of.console(`${WG}/add name=x {`)).rejects.toThrow('expected end of command (line 1')
})

test('a script with a word that the router does not know is not begun, whatever it would catch', async () => {
  const of = await start('7.12.2')
  const script = `${WG}/add name=hw0\n:do {${WG}/peers/add interface=hw0 name=hub} on-error={}`
  await expect(of.console(script)).rejects.toThrow('expected end of command (line 2 column 51)')
  expect(of.export()).not.toContain('hw0')
  await router?.close()
  const old = await start('6.49.10')
  await expect(old.console(`:do {${WG}/add name=hw0} on-error={}`)).rejects.toThrow('bad command name wireguard')
})

test('whatever it does to its answers, they arrive or the session ends', async () => {
  const of = await start('7.21')
  await of.console(`${WG}/add name=hw0 comment="${'long '.repeat(60)}"`)
  of.misbehave({ kind: 'fragment', seed: 7, most: 1 })
  const session = await logIn(of)
  expect((await session.exec({ command: `${WG}/print` }, signal())).rows).toHaveLength(1)
  of.misbehave({ kind: 'end', after: 0, how: 'rst', part: 0.5 })
  await expect(session.exec({ command: `${WG}/print` }, signal())).rejects.toMatchObject({ code: 'router-unreachable' })
  await expect.poll(() => of.sessions()).toBe(0)
})
