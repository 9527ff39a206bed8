import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Family } from '../../system/sockets/exposition.ts'
import { askLocal, type LocalServer, serveLocal } from '../../system/sockets/local-socket.ts'
import { makeLog } from '../../system/process/log.ts'
import { serveMetrics } from '../../system/sockets/metrics-server.ts'
import { sleep } from '../../system/time/sleep.ts'
import { ask as askMetrics } from './ask-metrics.ts'

/** Any user of this machine may connect to a local listener: what they cost is bounded, and nobody is kept out by them. */
let folder: string
let path: string
let server: LocalServer | null
let crowd: ChildProcess | null
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-crowd-'))
  path = join(folder, 'agent.sock')
  server = null
  crowd = null
})
afterEach(async () => {
  if (crowd !== null) {
    crowd.kill('SIGKILL')
    if (crowd.exitCode === null && crowd.signalCode === null) await once(crowd, 'exit')
  }
  await server?.close()
  await rm(folder, { recursive: true })
})

const LARGE = 'x'.repeat(4 * 1024 * 1024)

async function serve(): Promise<void> {
  server = await serveLocal(path, 0o666, async (verb) => (verb === 'large' ? LARGE : { verb }))
}

/**
 * Connections of another process, which read nothing.
 * @param says what each of them says, and then keeps silent.
 * @param again whether each is made again as soon as it is cut off.
 */
async function crowdAt(place: string | number, count: number, says: string, again: 'once' | 'for ever'): Promise<void> {
  const program = `
const { connect } = require('node:net')
const [place, count, again] = process.argv.slice(1)
const says = eval(process.env.SAYS)
let came = 0
function come() {
  const socket = connect(Number.isNaN(Number(place)) ? place : Number(place))
  socket.pause()
  socket.on('error', () => undefined)
  socket.once('connect', () => {
    socket.write(says)
    if (++came === Number(count)) process.send('there')
  })
  socket.once('close', () => { if (again === 'for ever') setTimeout(come, 5) })
  // Of a paused socket only a write shows that it was cut off.
  if (again === 'for ever') setInterval(() => socket.write(says), 50).unref()
}
for (let index = 0; index < Number(count); index++) come()
setInterval(() => undefined, 1000)
`
  const child = spawn(process.execPath, ['-e', program, String(place), String(count), again], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, SAYS: says },
  })
  crowd = child
  await once(child, 'message')
}

/** How many are connected to the listener at this path (proc(5), /proc/net/unix: SS_CONNECTED). */
async function connected(): Promise<number> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n')
  return lines.filter((line) => line.endsWith(` ${path}`) && line.split(/\s+/)[5] === '03').length
}

async function untilNobodyIsThere(): Promise<void> {
  for (const until = Date.now() + 20_000; (await connected()) > 0; await sleep(100))
    if (Date.now() > until) throw new Error('they are not sent away')
}

/** Answered while a crowd is there, within seconds: the limit is that of a busy machine. */
async function expectAnswer(): Promise<void> {
  for (let times = 0; times < 5; times += 1)
    expect(await askLocal(path, 'status', null, 20_000)).toEqual({ answer: { verb: 'status' } })
}

describe('the local socket', () => {
  test('answers while a hundred connections say nothing, and come again whenever they are cut off', async () => {
    await serve()
    await crowdAt(path, 100, "''", 'for ever')
    await expectAnswer()
  })

  test('lets sixteen wait at once, and each for two seconds', async () => {
    await serve()
    await crowdAt(path, 92, "''", 'once')
    await expectAnswer()
    expect(await connected()).toBeLessThanOrEqual(16)
    await untilNobodyIsThere()
  })

  test('keeps nothing of a megabyte without a line, from each of 92', async () => {
    await serve()
    const before = process.memoryUsage().rss
    await crowdAt(path, 92, "'x'.repeat(1024 * 1024)", 'for ever')
    let most = 0
    for (let times = 0; times < 20; times += 1) {
      await sleep(100)
      most = Math.max(most, process.memoryUsage().rss)
    }
    await expectAnswer()
    // Far less than they say, and mostly what Node has not collected yet.
    expect((most - before) / 1024 / 1024).toBeLessThan(60)
  })

  test('sends away who takes nothing of a large answer, and those who do get all of it', async () => {
    await serve()
    await crowdAt(path, 16, `'{"verb":"large"}\\n'`, 'once')
    expect(await askLocal(path, 'large', null, 20_000)).toEqual({ answer: LARGE })
    await untilNobodyIsThere()
  })

  test('takes no longer question, and asks none', async () => {
    await serve()
    await expect(askLocal(path, 'status', 'x'.repeat(4_096))).rejects.toMatchObject({ code: 'request-invalid' })
    expect(await askLocal(path, 'status', 'x'.repeat(4_000))).not.toBeNull()
  })

  test('one that answers a little at a time is waited for no longer than was said', async () => {
    const dripping = createServer((socket) => {
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('error', () => undefined).once('close', () => clearInterval(timer))
    }).listen(path)
    await once(dripping, 'listening')
    await expect(askLocal(path, 'status', null, 500)).rejects.toMatchObject({ code: 'no-answer' })
    await new Promise((resolve) => dripping.close(resolve))
  })
})

describe('the metrics', () => {
  const families: readonly Family[] = [
    { name: 'homeward_up', help: 'x', type: 'gauge', samples: [{ labels: {}, value: 1 }] },
  ]
  let ending: AbortController
  let port: number
  let serving: Promise<void>
  beforeEach(async () => {
    ending = new AbortController()
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    port = (probe.address() as { port: number }).port
    await new Promise((resolve) => probe.close(resolve))
    const log = makeLog('agent')
    log.level = 'silent'
    serving = serveMetrics(port, async () => families, log, ending.signal)
  })
  afterEach(async () => {
    ending.abort()
    await serving
  })

  test.each([
    ['say nothing', "''"],
    ['never end their question', "'GET /metrics HTTP/1.1\\r\\nx: '"],
  ])('are answered while a hundred connections %s', async (_what, says) => {
    await crowdAt(port, 100, says, 'for ever')
    for (let times = 0; times < 5; times += 1) expect(await askMetrics(port)).toContain('homeward_up 1')
  })
})
