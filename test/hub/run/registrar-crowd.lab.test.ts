import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseToken } from '../../../protocol/token.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { newKey, newSecret } from '../loopback-hub.ts'

/** Holds idle connections, sixty-four from each address, and opens each again that is closed. */
const CROWD = `
const { connect } = require('node:net')
const [host, ...sources] = process.argv.slice(1)
let connected = 0
for (const localAddress of sources) for (let index = 0; index < 64; index += 1) open(localAddress)
function open(localAddress) {
  const socket = connect({ host, port: 51820, localAddress })
  socket.once('connect', () => { connected += 1; if (connected === 64 * sources.length) console.log('all were there') })
  socket.on('error', () => undefined)
  socket.on('close', () => setTimeout(open, 1000, localAddress))
  socket.resume()
}
`

/** A home that registers again and again, each time by a connection of its own; prints the answers, and how long each took. */
const HOME = `
const https = require('node:https')
const [host, bearer, publicKey] = process.argv.slice(1)
const body = JSON.stringify({ version: 1, publicKey, lan: [], listenPort: null, reason: 'start', lastMapping: null, mtu: null })
function register() {
  const began = performance.now()
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer ' + bearer }
    const request = https.request({ host, port: 51820, path: '/v1/register', method: 'POST', headers, rejectUnauthorized: false, agent: false })
    request.on('error', (error) => resolve([error.code, performance.now() - began]))
    request.on('response', (answer) => answer.resume().on('end', () => resolve([answer.statusCode, performance.now() - began])))
    request.end(body)
  })
}
(async () => {
  const all = []
  for (let count = 0; count < 20; count += 1) all.push(await register())
  console.log(JSON.stringify(all))
})()
`

let lab: Lab
let hub: Host
let bearer: string
const publicKey = newKey()

beforeAll(async () => {
  lab = await createLab()
  ;[hub] = (await lab.addHosts([{ name: 'hub' }])) as [Host]
  // All addresses of a /48 are this machine's (ip-route(8), type local), and may be bound (ip-sysctl, ip_nonlocal_bind).
  await hub.shell(`
sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0
ip link set lo up
ip -6 addr add 2001:db8::1/128 dev lo nodad
ip -6 route add local 2001:db8:bad::/48 dev lo
sysctl -qw net.ipv6.ip_nonlocal_bind=1
`)
  await hub.homeward(['hub', 'init', '--address', '203.0.113.10', '--yes'])
  const daemon = hub.startHomeward(['hub', 'run'])
  await daemon.waitForLine(/the hub is ready/, { timeoutMs: 60_000 })
  const { joinSecret } = parseToken((await hub.homeward(['hub', 'invite', 'cabin'])).stdout.trim())
  const homeSecret = newSecret()
  bearer = `cabin.${homeSecret}`
  const body = { version: 1, joinSecret, publicKey, homeSecret, lan: [], preview: false }
  const joined = await hub.run(
    'curl',
    ['-sk', '-H', 'content-type: application/json', '--data-binary', '@-', 'https://127.0.0.1:51820/v1/join'],
    { input: JSON.stringify(body), timeoutMs: 60_000 },
  )
  expect(joined.stdout).toContain('"home":"cabin"')
})
afterAll(() => lab.close())

test.each<readonly [string, string, readonly string[]]>([
  ['nine addresses', '127.0.0.1', Array.from({ length: 9 }, (_, index) => `127.0.0.${10 + index}`)],
  ['sixteen networks of one /48', '2001:db8::1', Array.from({ length: 16 }, (_, index) => `2001:db8:bad:${index}::1`)],
])(
  'a home is answered at its first attempt while %s hold sixty-four idle connections each',
  async (_who, host, sources) => {
    const crowd = hub.start('node', ['-e', CROWD, host, ...sources])
    await crowd.waitForLine(/all were there/, { timeoutMs: 120_000 })
    const { stdout } = await hub.run('node', ['-e', HOME, host, bearer, publicKey], { timeoutMs: 200_000 })
    await crowd.stop()
    const all = JSON.parse(stdout) as readonly (readonly [number | string, number])[]
    expect(all.map(([status]) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  },
)
