import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenersIn, tcpListeners } from '../../../../hub/machine/ports/listeners.ts'
import { openSshPorts, type SshPorts } from '../../../../hub/machine/ports/ssh-ports.ts'
import { systemClock } from '../../../../system/time/clock.ts'
import { captureLog } from '../../captured-log.ts'

const WAIT = { timeout: 60_000, interval: 50 }

let folder: string
let path: string
const servers: Server[] = []
const open: SshPorts[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-ssh-'))
  path = join(folder, 'ssh-ports.json')
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true, force: true })
})

/** On a free port; what it says to whoever comes. */
async function serve(greet: (socket: Socket) => void, host = '0.0.0.0', port = 0): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    greet(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen({ port, host, ipv6Only: host === '::' }, resolve))
  return (server.address() as { port: number }).port
}

/** Sees these ports of the machine alone, as it has them in truth. */
async function watching(...ports: readonly number[]): Promise<SshPorts> {
  const listeners = async () => (await tcpListeners()).filter(({ port }) => ports.includes(port))
  const ssh = await openSshPorts({ path, isOwn: () => false, clock: systemClock, log: captureLog().log, listeners })
  open.push(ssh)
  return ssh
}

test.each([
  ['sshd', '0.0.0.0', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'],
  ['one that says other lines first', '0.0.0.0', 'welcome\r\nmind the gap\r\nSSH-2.0-x\r\n'],
  ['one on IPv6 alone', '::', 'SSH-2.0-dropbear_2022.83\r\n'],
])('%s is known by what it says, and remembered when it is gone', async (_, host, text) => {
  const port = await serve((socket) => socket.write(text), host)
  const ssh = await watching(port)
  expect([...ssh.ports()]).toEqual([22])
  await ssh.look()
  await expect.poll(() => ssh.ports().has(port), WAIT).toBe(true)
  await expect.poll(() => readFile(path, 'utf8').catch(() => ''), WAIT).toBe(`{"ports":[${port}]}\n`)
  for (const server of servers.splice(0)) server.close()
  expect([...(await watching()).ports()].sort((a, b) => a - b)).toEqual([22, port].sort((a, b) => a - b))
})

test('one that takes its time to begin is waited for, and whoever publishes there waits too', async () => {
  let begin: () => void = () => undefined
  const port = await serve((socket) => {
    begin = () => socket.write('SSH-2.0-slow\r\n')
  })
  const ssh = await watching(port)
  await ssh.look()
  const settled = ssh.settled(port, port)
  await expect.poll(() => (begin(), ssh.ports().has(port)), WAIT).toBe(true)
  await settled
})

test('what hangs up, speaks otherwise or listens on loopback is none, and another socket at its port is asked anew', async () => {
  let greeting = '220 mail\r\n'
  const asked: string[] = []
  const greet = (socket: Socket): void => {
    asked.push(greeting)
    socket.end(greeting)
  }
  const port = await serve(greet)
  const inside = await serve((socket) => socket.write('SSH-2.0-x\r\n'), '127.0.0.1')
  const ssh = await watching(port, inside)
  await ssh.look()
  await ssh.settled(1, 65_535)
  await ssh.look()
  await ssh.settled(1, 65_535)
  expect(asked).toHaveLength(1)
  expect([...ssh.ports()]).toEqual([22])
  await new Promise((resolve) => servers.shift()?.close(resolve))
  greeting = 'SSH-2.0-x\r\n'
  await serve(greet, '0.0.0.0', port)
  await ssh.look()
  await expect.poll(() => ssh.ports().has(port), WAIT).toBe(true)
  expect(ssh.ports().has(inside)).toBe(false)
})

test('a damaged memory is an empty one', async () => {
  for (const text of ['', '{', '{"ports":[0]}', '{"ports":"22"}', '[]']) {
    await writeFile(path, text)
    expect([...(await watching()).ports()]).toEqual([22])
  }
})

test('the kernel’s tables name address, port and socket of what listens, loopback left out', () => {
  const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
  const rest = '00000000:00000000 00:00000000 00000000     0        0'
  const line = (local: string, remote: string, state: string, inode: number): string =>
    `   0: ${local} ${remote} ${state} ${rest} ${inode} 1 0000000000000000 100 0 0 10 0`
  const [none4, none6] = ['00000000:0000', '00000000000000000000000000000000:0000']
  const text = [
    heading,
    line('00000000:0016', none4, '0A', 11),
    line('0A7100CB:08AE', none4, '0A', 12),
    line('0100007F:0016', none4, '0A', 13),
    line('00000000000000000000000000000000:0016', none6, '0A', 14),
    line('B80D0120000000000000000001000000:0016', none6, '0A', 15),
    line('0000000000000000FFFF00000A7100CB:0016', none6, '0A', 16),
    line('00000000000000000000000001000000:0016', none6, '0A', 17),
    line('0A7100CB:0016', '146433C6:9C40', '01', 18),
    '',
  ].join('\n')
  expect(listenersIn(text)).toEqual([
    { address: '0.0.0.0', port: 22, inode: '11' },
    { address: '203.0.113.10', port: 2222, inode: '12' },
    { address: '::', port: 22, inode: '14' },
    { address: '2001:db8::1', port: 22, inode: '15' },
    { address: '203.0.113.10', port: 22, inode: '16' },
  ])
})
