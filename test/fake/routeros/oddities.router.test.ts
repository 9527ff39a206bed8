import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openSession } from '../../../adapters/mikrotik/api/api.ts'
import type { Session } from '../../../adapters/mikrotik/api/session.ts'
import { readCertificate } from '../../../adapters/mikrotik/api/certificate.ts'
import { ADMIN, type FakeRouter, type FakeRouterPlan, startFakeRouter } from './fake-router.ts'
import { encodeSentence, sentenceReader } from './api/framing.ts'
import { paperKernel } from './kernel/paper-kernel.ts'

/** What real routers do and nobody expects: each of them can be asked of the simulated one. */

const signal = () => AbortSignal.timeout(10_000)
const KEY = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='
const PEERS = '/interface/wireguard/peers'
let router: FakeRouter | undefined
let open: { readonly close: () => void }[] = []

afterEach(async () => {
  for (const one of open) one.close()
  open = []
  await router?.close()
})

async function start(plan: Partial<FakeRouterPlan> = {}): Promise<FakeRouter> {
  router = await startFakeRouter({ version: '7.18.2', ...plan })
  return router
}

async function logIn(of: FakeRouter, user: string = ADMIN.user, password: string = ADMIN.password): Promise<Session> {
  const access = { host: '127.0.0.1', port: of.plainPort ?? 0, certificate: null, user, password: async () => password }
  const session = await openSession(access, signal())
  open.push(session)
  return session
}

async function rowsOf(session: Session, path: string): Promise<readonly Record<string, string>[]> {
  return (await session.exec({ command: `${path}/print` }, signal())).rows
}

/** The bare wire. */
async function wire(of: FakeRouter): Promise<{
  readonly socket: Socket
  readonly say: (...words: string[]) => void
  /** The next sentence. */
  readonly hear: () => Promise<readonly string[]>
}> {
  const socket = connect(of.plainPort ?? 0, '127.0.0.1')
  open.push({ close: () => socket.destroy() })
  await once(socket, 'connect')
  const reader = sentenceReader(() => ({ wordBytes: 1e6, words: 1e3 }))
  const heard: (readonly string[])[] = []
  socket.on('data', (chunk: Buffer) => {
    heard.push(...reader.take(chunk))
    socket.emit('heard')
  })
  return {
    socket,
    say: (...words) => void socket.write(encodeSentence(words)),
    hear: async () => {
      while (heard.length === 0) await once(socket, 'heard', { signal: signal() })
      return heard.shift() ?? []
    },
  }
}

async function loggedInWire(of: FakeRouter): ReturnType<typeof wire> {
  const line = await wire(of)
  line.say('/login', `=name=old`, '=password=words')
  expect(await line.hear()).toEqual(['!done'])
  return line
}

const OLD = '/user/add name=old group=full password=words'

test('nothing is answered before login but that', async () => {
  const line = await wire(await start())
  line.say('/system/identity/print', '.tag=1')
  expect(await line.hear()).toEqual(['!trap', '=message=not logged in', '.tag=1'])
  expect(await line.hear()).toEqual(['!done', '.tag=1'])
})

test('before login words are short', async () => {
  const line = await wire(await start())
  line.say('/login', `=name=${'x'.repeat(5_000)}`)
  await once(line.socket, 'close', { signal: signal() })
})

test('a cancelled command says so, and its end comes after the cancel’s', async () => {
  const line = await loggedInWire(await start({ setup: OLD }))
  line.say('/tool/ping', '=address=127.0.0.1', '.tag=long')
  expect((await line.hear()).slice(0, 2)).toEqual(['!re', '=seq=0'])
  line.say('/cancel', '=tag=long', '.tag=stop')
  const sentences = [await line.hear(), await line.hear(), await line.hear()]
  expect(sentences).toEqual([
    ['!trap', '=category=2', '=message=interrupted', '.tag=long'],
    ['!done', '.tag=stop'],
    ['!done', '.tag=long'],
  ])
})

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

test('an empty print says so from 7.18 on', async () => {
  const line = await loggedInWire(await start({ setup: OLD }))
  line.say('/ip/route/print', '.tag=1')
  expect([await line.hear(), await line.hear()]).toEqual([
    ['!empty', '.tag=1'],
    ['!done', '.tag=1'],
  ])
})

test('listen tells what comes, changes and goes, until it is cancelled', async () => {
  const of = await start({ setup: OLD })
  const line = await loggedInWire(of)
  line.say('/ip/route/listen', '=.proplist=.id,comment', '.tag=l')
  // The answer to the next shows that the first was read.
  line.say('/system/identity/print', '.tag=i')
  expect([await line.hear(), await line.hear()]).toEqual([
    ['!re', '=name=MikroTik', '.tag=i'],
    ['!done', '.tag=i'],
  ])
  await of.console('/ip/route/add dst-address=10.1.0.0/16 gateway=ether1 comment=a')
  const [, id = '', comment] = await line.hear()
  expect(comment).toBe('=comment=a')
  await of.console(`/ip/route/remove ${id.replace('=.id=', '')}`)
  expect(await line.hear()).toEqual(['!re', id, '=.dead=true', '.tag=l'])
  line.say('/cancel', '=tag=l', '.tag=c')
  expect(await line.hear()).toEqual(['!trap', '=category=2', '=message=interrupted', '.tag=l'])
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
  const children = async (path: string): Promise<readonly (string | undefined)[]> => {
    const session = await logIn(router ?? (await start()))
    const inspect = { command: '/console/inspect', attributes: { request: 'child', path } }
    return (await session.exec(inspect, signal())).rows.map((row) => row['name'])
  }
  await start({ version: '7.12.2' })
  expect(await children('interface,wireguard')).toEqual(['peers', 'print', 'find', 'set', 'add', 'remove'])
  expect(await children('interface,wireguard,peers,add')).not.toContain('name')
  await router?.close()
  await start({ version: '7.16.2' })
  expect(await children('interface,wireguard,peers,add')).toContain('name')
})

test.each(['fin', 'rst', 'fatal', 'garbage', 'reserved-length'] as const)(
  'a session ends by %s, and the next one is as good as ever',
  async (how) => {
    const of = await start()
    const session = await logIn(of)
    of.dropSessions(how)
    if (how === 'garbage') session.close()
    expect(await session.ended).not.toBe('')
    const next = await logIn(of)
    expect(await rowsOf(next, '/system/identity')).toEqual([{ name: 'MikroTik' }])
  },
)

test('what was cancelled may answer late', async () => {
  const of = await start({ setup: OLD })
  of.misbehave({ kind: 'late-reply', ms: 5 })
  const line = await loggedInWire(of)
  line.say('/execute', '=script=:delay 1h', '=as-string=', '.tag=long')
  line.say('/cancel', '=tag=long', '.tag=stop')
  for (let count = 0; count < 3; count += 1) await line.hear()
  expect(await line.hear()).toEqual(['!re', '=name=late', '.tag=long'])
  expect(await line.hear()).toEqual(['!done', '.tag=long'])
  // Our own client is none the worse for it.
  const session = await logIn(of)
  const long = { command: '/execute', attributes: { script: ':delay 1h', 'as-string': '' } }
  await expect(session.exec(long, signal(), 50)).rejects.toMatchObject({ code: 'router-timeout' })
  expect(await rowsOf(session, '/system/identity')).toEqual([{ name: 'MikroTik' }])
})

test.each(['fin', 'rst'] as const)('who is refused at the door by %s learns it at once', async (how) => {
  const of = await start()
  of.misbehave({ kind: 'refuse', how })
  await expect(logIn(of)).rejects.toMatchObject({ code: 'router-unreachable' })
  of.misbehave(null)
  await logIn(of)
})

test('an answer may be late, and one that nobody asked for may come before it', async () => {
  const of = await start()
  const session = await logIn(of)
  of.misbehave({ kind: 'delay', ms: 300 })
  const print = { command: '/system/identity/print' }
  await expect(session.exec(print, signal(), 50)).rejects.toMatchObject({ code: 'router-timeout' })
  of.misbehave({ kind: 'stray-tag' })
  expect(await rowsOf(session, '/system/identity')).toEqual([{ name: 'MikroTik' }])
})

test('without a certificate anybody is encrypted with, and nobody proves who he is', async () => {
  const of = await start({ tls: 'anonymous' })
  expect(of.fingerprint).toBe('')
  await expect(readCertificate('127.0.0.1', of.tlsPort ?? 0, signal())).rejects.toMatchObject({
    code: 'router-certificate-missing',
  })
})

test('a line that is cut says nothing at all', async () => {
  const of = await start()
  const session = await logIn(of)
  of.dropSessions('silent')
  const print = session.exec({ command: '/system/identity/print' }, signal(), 200)
  await expect(print).rejects.toMatchObject({ code: 'router-timeout' })
})

test('words that nobody knows are refused everywhere', async () => {
  const session = await logIn(await start())
  for (const command of ['/system/identity/print', '/interface/print', '/execute', '/tool/ping', '/ip/route/print'])
    await expect(session.exec({ command, attributes: { nonsense: '1' } }, signal()), command).rejects.toThrow(
      'unknown parameter nonsense',
    )
})
