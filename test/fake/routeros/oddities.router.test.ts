import { expect, test } from 'vitest'
import { readCertificate } from '../../../adapters/mikrotik/api/certificate.ts'
import type { FakeRouter } from './fake-router.ts'
import { paperKernel } from './kernel/paper-kernel.ts'
import { logIn, rowsOf, signal, start } from './router-session.ts'

/** What real routers do and nobody expects: each of them can be asked of the simulated one. */

const KEY = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='
const PEERS = '/interface/wireguard/peers'

test('a ping tells each echo as it comes', async () => {
  const session = await logIn(await start())
  const ping = async (address: string) =>
    (await session.exec({ command: '/tool/ping', attributes: { address, count: '1' } }, signal())).rows
  expect(await ping('127.0.0.1')).toMatchObject([{ seq: '0', time: '100us', received: '1', 'packet-loss': '0' }])
  expect(await ping('192.0.2.1')).toMatchObject([{ seq: '0', status: 'timeout', received: '0', 'packet-loss': '100' }])
})

test('an address leads its network to its interface, and nobody takes that away', async () => {
  const of = await start({
    setup: '/interface/wireguard/add name=hw0\n/ip/address/add address=10.86.0.2/16 interface=hw0',
  })
  const session = await logIn(of)
  const [route, ...more] = await rowsOf(session, '/ip/route')
  expect(route).toMatchObject({ 'dst-address': '10.86.0.0/16', gateway: 'hw0', distance: '0', dynamic: 'true' })
  expect(more).toEqual([])
  const remove = { command: '/ip/route/remove', attributes: { '.id': route?.['.id'] ?? '' } }
  await expect(session.exec(remove, signal())).rejects.toThrow('failure')
  await of.console('/interface/wireguard/disable hw0')
  expect(await rowsOf(session, '/ip/route')).toEqual([])
})

test('a rule matches a range of addresses, as it was given, and none that runs backwards', async () => {
  const of = await start()
  const session = await logIn(of)
  const rule = (range: string) => ({
    command: '/ip/firewall/filter/add',
    attributes: { chain: 'forward', action: 'accept', 'dst-address': range },
  })
  await session.exec(rule('1.0.0.0-9.255.255.255'), signal())
  await session.exec(rule('!192.0.2.0-192.0.2.255'), signal())
  expect((await rowsOf(session, '/ip/firewall/filter')).map((row) => row['dst-address'])).toEqual([
    '1.0.0.0-9.255.255.255',
    '!192.0.2.0-192.0.2.255',
  ])
  for (const range of ['9.0.0.0-1.0.0.0', '1.0.0.0-', '1.0.0.0-2.0.0.0-3.0.0.0', '1.0.0.0-2.0.0.0/8'])
    await expect(session.exec(rule(range), signal()), range).rejects.toThrow('invalid value')
})

test('ages and connections have the spellings that were seen of real ones', async () => {
  const kernel = paperKernel()
  const of = await start({
    kernel,
    setup: `/interface/wireguard/add name=hw0\n${PEERS}/add interface=hw0 public-key="${KEY}"`,
  })
  kernel.setPeer({ publicKey: KEY, rxBytes: 1, txBytes: 2, handshakeSeconds: 90_065, endpoint: null })
  const one = { source: '10.0.0.2:13231', destination: '203.0.113.1:51820', replySource: '203.0.113.1:51820' }
  const rest = { id: '*5', protocol: 'udp', replyDestination: '100.64.0.2:13231', timeoutSeconds: 9 } as const
  kernel.setConnections([{ ...one, ...rest }])
  const session = await logIn(of)
  const age = async () => (await rowsOf(session, PEERS))[0]?.['last-handshake']
  const connection = async () => (await rowsOf(session, '/ip/firewall/connection'))[0]
  expect(await age()).toBe('1d1h1m5s')
  expect(await connection()).toMatchObject({ 'dst-address': '203.0.113.1:51820' })
  of.switches.ageSpelling = 'clock'
  of.switches.connectionSpelling = 'apart'
  expect(await age()).toBe('1d01:01:05')
  expect(await connection()).toMatchObject({ 'dst-address': '203.0.113.1', 'dst-port': '51820' })
})

test('a connection may be gone between print and remove', async () => {
  const kernel = paperKernel()
  const of = await start({ kernel })
  const one = {
    source: '10.0.0.2:1',
    destination: '10.0.0.3:2',
    replySource: '10.0.0.3:2',
    replyDestination: '10.0.0.2:1',
  }
  kernel.setConnections([{ id: '*5', protocol: 'udp', timeoutSeconds: 9, ...one }])
  of.switches.vanishingConnections = true
  const session = await logIn(of)
  const remove = { command: '/ip/firewall/connection/remove', attributes: { '.id': '*5' } }
  await expect(session.exec(remove, signal())).rejects.toThrow('no such item')
})

test('a name is looked up once, and again when its peer is told it anew', async () => {
  const kernel = paperKernel()
  const of = await start({ kernel })
  const dialled = () => kernel.state().interfaces[0]?.peers[0]?.endpoint?.address
  of.switches.names['hub.example'] = '203.0.113.1'
  const peer = `interface=hw0 public-key="${KEY}" endpoint-address=hub.example endpoint-port=51820`
  await of.console(`/interface/wireguard/add name=hw0\n${PEERS}/add ${peer}`)
  expect(dialled()).toBe('203.0.113.1')
  of.switches.names['hub.example'] = '203.0.113.2'
  await of.console(`${PEERS}/set [find] persistent-keepalive=25`)
  expect(dialled()).toBe('203.0.113.1')
  await of.console(`${PEERS}/disable [find]\n${PEERS}/enable [find]`)
  expect(dialled()).toBe('203.0.113.2')
  delete of.switches.names['hub.example']
  await of.reboot()
  expect(dialled()).toBeUndefined()
})

test('what Back To Home made is shown, and nobody changes it', async () => {
  const of = await start({ backToHome: true })
  const session = await logIn(of)
  const [peer] = await rowsOf(session, PEERS)
  expect(peer).toMatchObject({ dynamic: 'true', interface: 'back-to-home-vpn' })
  for (const verb of ['remove', 'disable'])
    await expect(
      session.exec({ command: `${PEERS}/${verb}`, attributes: { '.id': peer?.['.id'] ?? '' } }, signal()),
    ).rejects.toThrow('failure')
})

const ADD = '/interface/wireguard/add name='

test('the scheduler survives a loss of power, and jobs do not', async () => {
  const of = await start()
  const script = `/system/scheduler/remove undo; ${ADD}late`
  await of.console(`/system/scheduler/add name=undo interval=1s on-event="${script}"`)
  const session = await logIn(of)
  await session.exec({ command: '/execute', attributes: { script: `:delay 1h\n${ADD}never` } }, signal())
  await of.reboot()
  expect(of.jobs()).toBe(0)
  const names = async (path: string): Promise<string> => await of.console(`${path}/print`)
  await expect.poll(() => names('/interface/wireguard'), { timeout: 5_000 }).toContain('name=late')
  expect(await names('/interface/wireguard')).not.toContain('name=never')
  expect(await names('/system/scheduler')).toBe('')
})

test('what waits for the router’s start runs with it, and not before', async () => {
  const of = await start({ setup: `/system/scheduler/add name=boot start-time=startup on-event="${ADD}booted"` })
  await of.console('/interface/wireguard/remove booted')
  await of.console(`/system/scheduler/add name=later start-time=startup on-event="${ADD}also"`)
  expect(await of.console('/interface/wireguard/print')).toBe('')
  await of.reboot()
  const names = async (): Promise<string> => await of.console('/interface/wireguard/print')
  await expect.poll(names).toContain('name=booted')
  await expect.poll(names).toContain('name=also')
})

test('device-mode forbids the scheduler, and so does a flagged configuration', async () => {
  const entry = '/system/scheduler/add name=undo on-event=":delay 1s"'
  const home = await start({ deviceMode: 'home' })
  await expect(home.console(entry)).rejects.toThrow('failure: not allowed by device-mode')
  await home.close()
  const flagged = await start()
  flagged.switches.flagged = true
  await expect(flagged.console(entry)).rejects.toThrow('failure: configuration flagged')
})

test('a group loses its rights with the next login', async () => {
  const of = await start({
    setup: '/user/group/add name=least policy=api,read,write,test\n/user/add name=pi group=least password=x',
  })
  const before = await logIn(of, 'pi', 'x')
  await of.console('/user/group/set least policy=!write')
  const add = { command: '/interface/wireguard/add', attributes: { name: 'hw0' } }
  await expect(before.exec(add, signal())).resolves.toMatchObject({ ret: expect.stringMatching(/^\*/) })
  const after = await logIn(of, 'pi', 'x')
  await expect(after.exec({ ...add, attributes: { name: 'hw1' } }, signal())).rejects.toThrow(
    'not enough permissions (9)',
  )
})

test('services and users are for some addresses, and services for so many sessions', async () => {
  const of = await start({ setup: '/user/add name=far group=full password=x address=192.0.2.0/24' })
  await expect(logIn(of, 'far', 'x')).rejects.toMatchObject({ code: 'router-login-refused' })
  const held = await logIn(of)
  await of.console('/ip/service/set api max-sessions=1')
  await expect(logIn(of)).rejects.toMatchObject({ code: 'router-unreachable' })
  held.close()
  await expect.poll(() => of.sessions()).toBe(0)
  await logIn(of)
  await of.console('/ip/service/set api max-sessions=20 address=192.0.2.0/24')
  await expect(logIn(of)).rejects.toMatchObject({ code: 'router-unreachable' })
})

test('a certificate can be replaced, and signing one takes its time', async () => {
  const of = await start()
  const first = of.fingerprint
  const read = async () => (await readCertificate('127.0.0.1', of.tlsPort ?? 0, signal())).fingerprint
  expect(await read()).toBe(first)
  await of.console(
    '/certificate/add name=other common-name=router\n/certificate/sign other\n/ip/service/set api-ssl certificate=other',
  )
  expect(of.fingerprint).not.toBe(first)
  expect(await read()).toBe(of.fingerprint)
  of.switches.signMs = 60_000
  await of.console('/certificate/add name=slow common-name=router')
  const session = await logIn(of)
  const sign = session.exec({ command: '/certificate/sign', attributes: { '.id': 'slow' } }, signal(), 50)
  await expect(sign).rejects.toMatchObject({ code: 'router-timeout' })
})

test('the clock of a router without a battery begins in 1970', async () => {
  const of = await start()
  of.switches.clock = '1970'
  const session = await logIn(of)
  expect(await rowsOf(session, '/system/clock')).toMatchObject([{ date: '1970-01-01' }])
  expect(await rowsOf(session, '/system/ntp/client')).toMatchObject([{ status: 'waiting' }])
})

test('it tells what it has, by version', async () => {
  const children = async (of: FakeRouter, path: string): Promise<readonly (string | undefined)[]> => {
    const session = await logIn(of)
    const inspect = { command: '/console/inspect', attributes: { request: 'child', path } }
    return (await session.exec(inspect, signal())).rows.map((row) => row['name'])
  }
  const older = await start({ version: '7.12.2' })
  expect(await children(older, 'interface,wireguard')).toEqual(['peers', 'print', 'find', 'set', 'add', 'remove'])
  expect(await children(older, 'interface,wireguard,peers,add')).not.toContain('name')
  await older.close()
  const newer = await start({ version: '7.16.2' })
  expect(await children(newer, 'interface,wireguard,peers,add')).toContain('name')
})
