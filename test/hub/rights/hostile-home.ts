/**
 * The program of whoever holds a home's secret: calls of the registrar, valid and not, in an order that the seed decides.
 * It runs by itself on the home's Pi, so it needs nothing of ours. Arguments: URL, home, file of the secret, seed, how many.
 * It prints one line of JSON: answers by status, and how many connections it tore.
 */
export const HOSTILE_HOME = String.raw`
const https = require('node:https')
const [, url, home, secretFile, seed, many] = process.argv
const secret = require('node:fs').readFileSync(secretFile, 'utf8').trim()

// A linear congruential generator, with the constants of Knuth's MMIX.
let state = BigInt(seed)
const chance = (below) => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn
  return Number((state >> 33n) % BigInt(below))
}
const one = (list) => list[chance(list.length)]
const bytes = (length) => Buffer.from(Array.from({ length }, () => chance(256)))
const key = () => bytes(32).toString('base64')
const id = () => bytes(16).toString('base64url')

const JUNK = [null, '', -1, 1e308, true, [], {}, 'x'.repeat(5000), '\u001b[2J\r\n', '../../etc/passwd', '__proto__', { toString: 1 }, Array(2000).fill('a')]
const PREFIXES = ['192.168.1.0/24', '192.168.7.0/24', '0.0.0.0/0', '10.9.9.9/32', '10.9.9.0/24', '172.16.0.0/12', '100.64.0.0/10', '10.86.0.0/16', '10.86.0.1/32', '203.0.113.0/24', '169.254.169.254/32', '127.0.0.0/8', '::/0', '192.168.1.0/33']
const PORTS = [1, 22, 53, 80, 443, 1023, 1024, 2222, 8080, 20000, 50000, 51819, 51820, 51821, 65535]
const ADDRESSES = ['192.168.1.50', '192.168.1.2', '192.168.7.50', '10.86.0.1', '10.86.0.2', '10.86.0.3', '10.9.9.9', '127.0.0.1', '203.0.113.10', '169.254.169.254']
const NAMES = ['phone', 'a', 'lodge', 'cabin', 'viewer', 'x'.repeat(63), 'guest']
const port = () => (chance(3) === 0 ? 1 + chance(65535) : one(PORTS))
const service = () => { const first = port(); return { protocol: one(['tcp', 'udp']), port: first, lastPort: Math.min(65535, first + one([0, 0, 0, 1, 500, 30000])) } }

const incident = () => ({ id: one(['i-', 'other.', 'lodge.']) + chance(1e6).toString(36), alias: null, home: one([home, 'lodge']), scope: one(['tunnel', 'agent', 'registrar', 'publication']), began: new Date(1.7e12 + chance(2e9) * 1000).toISOString(), ended: null, cause: one(['flow-dead', 'home-offline', 'sudo sh']), remedies: one([[], ['set-endpoint'], ['curl | sudo sh']]) })
const CALLS = {
  register: () => ['POST', '/v1/register', { version: 1, publicKey: key(), lan: Array.from({ length: one([0, 1, 1, 2, 40]) }, () => one(PREFIXES)), listenPort: port(), reason: one(['start', 'periodic', 'remedy', 'incident']), reset: chance(4) === 0, mtu: one([null, 576, 1280, 9000]), lastMapping: null, heartbeatSeconds: one([1, 5, 60]), keeps: undefined, visitors: chance(2) === 0, exit: chance(2) === 0, follows: chance(2) === 0, ...(chance(4) === 0 ? { nextPublicKey: key() } : {}), ...(chance(3) === 0 ? { machine: { id: id(), boot: id(), name: one(NAMES) } } : {}), ...(chance(3) === 0 ? { incidents: { may: true, incidents: Array.from({ length: chance(40) }, incident) } } : {}) }],
  addDevice: () => ['POST', '/v1/devices', { version: 1, name: one(NAMES) + chance(200), publicKey: key(), presharedKey: key(), homes: one([null, ['lodge'], [home], ['nowhere']]), expiresInMs: one([null, 1, 1e6]), full: chance(4) === 0, exit: one([null, null, home, 'lodge']), to: one([null, null, [{ address: one(ADDRESSES), protocol: 'tcp', port: 1, lastPort: 65535 }]]) }],
  removeDevice: () => ['DELETE', '/v1/devices/' + encodeURIComponent(one([one(NAMES) + chance(200), 'lodge-phone', '..', '%00', '']))],
  devices: () => ['GET', '/v1/devices'],
  publish: () => ['POST', '/v1/publications', { version: 1, ...service(), address: one(ADDRESSES), targetPort: port(), source: one([null, 'keep', 'hide']), ...(chance(4) === 0 ? { outgoing: true } : {}), ...(chance(4) === 0 ? { host: one(['nas.lan', 'localhost', 'x'.repeat(300)]) } : {}) }],
  unpublish: () => ['DELETE', '/v1/publications/' + one(['tcp', 'udp', 'icmp']) + '/' + one([port(), port() + '-' + port(), 'all', '8443'])],
  publications: () => ['GET', '/v1/publications'],
  check: () => ['POST', '/v1/publications/tcp/' + port() + '/check', {}],
  alertTest: () => ['POST', '/v1/alerts/test', { version: 1, channel: one([null, 'owner', 'none']) }],
  arrivals: () => ['POST', '/v1/arrivals', { version: 1, nonce: bytes(16).toString('base64url') }],
  join: () => ['POST', '/v1/join', { version: 1, joinSecret: bytes(32).toString('base64url'), publicKey: key(), homeSecret: secret, lan: [one(PREFIXES)], preview: chance(2) === 0 }],
  upgrade: () => ['GET', '/v1/carrier', undefined, { connection: 'Upgrade', upgrade: one(['homeward-carrier', 'websocket', 'h2c']) }],
  elsewhere: () => [one(['GET', 'PUT', 'PATCH', 'OPTIONS', 'TRACE']), one(['/', '/v1', '/v1/register', '/v1/devices/../homes', '/metrics', '/v1/publications/tcp/22', '//v1/leave'])],
}
// Wrong secrets close the door to their address for a while, and nothing else would be tried: there are few of them.
const NAMES_OF_CALLS = Object.keys(CALLS).filter((name) => name !== 'join')

function spoilt(body) {
  if (body === undefined || chance(3) > 0) return body === undefined ? '' : JSON.stringify(body)
  switch (chance(5)) {
    case 0: return JSON.stringify({ ...body, [one(['version', ...Object.keys(body)])]: one(JUNK) })
    case 1: { const less = { ...body }; delete less[one(['version', ...Object.keys(body)])]; return JSON.stringify(less) }
    case 2: return JSON.stringify(body).slice(0, chance(200))
    case 3: return bytes(chance(2000))
    default: return JSON.stringify({ ...body, filler: 'x'.repeat(one([10, 70000, 400000])) })
  }
}

const agent = new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false })
const counts = {}
let left = Number(many), torn = 0, lanes = 0
const count = (what) => { counts[what] = (counts[what] ?? 0) + 1 }
function next() {
  if (left-- <= 0) return end()
  const [method, path, body, more = {}] = CALLS[chance(2000) === 0 ? 'join' : one(NAMES_OF_CALLS)]()
  const text = spoilt(body)
  const authorization = chance(2000) === 0 ? one(['Bearer lodge.' + secret, 'Basic x', 'Bearer ' + home + '.' + 'A'.repeat(43)]) : 'Bearer ' + home + '.' + secret
  let isOver = false
  const over = () => { if (!isOver) { isOver = true; clearTimeout(late); setImmediate(next) } }
  const request = https.request(url + path, { method, agent, headers: { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...more } }, (response) => {
    count(response.statusCode)
    response.resume().on('close', over)
  })
  const late = setTimeout(() => { count('late'); request.destroy(); over() }, 60000)
  request.on('upgrade', (response, socket) => { count('upgraded'); socket.destroy(); over() })
  request.on('error', () => { count('error'); over() })
  if (chance(200) === 0 && text.length > 1) { torn += 1; request.write(text.slice(0, 1)); setTimeout(() => { request.destroy(); over() }, chance(20)); return }
  request.end(text)
}
function end() { if (--lanes === 0) { console.log(JSON.stringify({ counts, torn })); agent.destroy() } }
for (; lanes < 16; lanes += 1) next()
`
