import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Problem } from '../../../problems/problem.ts'
import {
  askLocal,
  isServed,
  type LocalHandler,
  type LocalServer,
  serveLocal,
} from '../../../system/sockets/local-socket.ts'

let folder: string
let path: string
let server: LocalServer | null = null
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  path = join(folder, 'agent.sock')
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(folder, { recursive: true, force: true })
})

async function serve(handler: LocalHandler, mode = 0o600): Promise<void> {
  server = await serveLocal(path, mode, handler)
}

/** Says something in its own words, and what comes back until the end. */
async function say(text: string): Promise<string> {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  socket.write(text)
  let heard = ''
  socket.on('data', (part) => {
    heard += part.toString()
  })
  await new Promise((resolve) => socket.once('close', resolve))
  return heard
}

test('a question gets its answer, and many at once each get their own', async () => {
  await serve(async (verb, input) => ({ verb, input }))
  const inputs = Array.from({ length: 50 }, (_, index) => ({ index, text: 'zwölf\n"'.repeat(100) }))
  const answers = await Promise.all(inputs.map((input) => askLocal(path, 'status', input)))
  expect(answers).toEqual(inputs.map((input) => ({ answer: { verb: 'status', input } })))
})

test('who was asked and ended before reading the question is as one who is not there', async () => {
  for (const delayMs of [0, 0, 0, 5]) {
    // Nothing of the question is read.
    const ending = createServer({ pauseOnConnect: true }, (socket) => {
      setTimeout(() => socket.destroy(), delayMs)
    }).listen({ path })
    await once(ending, 'listening')
    let came = 0
    const closed = new Promise((resolve) => ending.once('close', resolve))
    ending.on('connection', () => {
      if (++came === 20) ending.close()
    })
    const asked = Array.from({ length: 20 }, () => askLocal(path, 'status', 'x'.repeat(4_000)))
    expect(await Promise.all(asked)).toEqual(asked.map(() => null))
    await closed
  }
})

test('an answer of nothing is null', async () => {
  await serve(async () => undefined)
  expect(await askLocal(path, 'stop', null)).toEqual({ answer: null })
})

test('a problem arrives with its code and its words', async () => {
  await serve(async () => {
    throw new Problem('home-missing', { what: 'inviting cabin', why: 'there is one', next: 'Take another' })
  })
  await expect(askLocal(path, 'invite', {})).rejects.toMatchObject({
    code: 'home-missing',
    what: 'inviting cabin',
    why: 'there is one',
    next: 'Take another',
  })
})

test('what a handler did not foresee arrives as an internal problem, and the next question is answered', async () => {
  await serve(async (verb) => {
    if (verb === 'break') throw new TypeError('oh')
    return 'fine'
  })
  await expect(askLocal(path, 'break', {})).rejects.toMatchObject({ code: 'internal', why: 'oh' })
  expect(await askLocal(path, 'status', {})).toEqual({ answer: 'fine' })
})

describe('who is there', () => {
  test('nobody, when there is no file', async () => {
    expect(await askLocal(path, 'status', {})).toBeNull()
    expect(await isServed(path)).toBe(false)
  })

  test('nobody, when a killed daemon left its file, and the next one takes its place', async () => {
    const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`
    const daemon = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(daemon.stdout, 'data')
    daemon.kill('SIGKILL')
    await once(daemon, 'exit')
    expect(existsSync(path)).toBe(true)
    expect(await askLocal(path, 'status', {})).toBeNull()
    await serve(async () => 'new')
    expect(await askLocal(path, 'status', {})).toEqual({ answer: 'new' })
  })

  test('nobody, when the file is no socket at all', async () => {
    await writeFile(path, 'x')
    expect(await isServed(path)).toBe(false)
    await serve(async () => 'new')
    expect(await isServed(path)).toBe(true)
  })

  test('a second daemon is refused, and the first one goes on', async () => {
    await serve(async () => 'first')
    await expect(serveLocal(path, 0o600, async () => 'second')).rejects.toMatchObject({ code: 'already-running' })
    expect(await askLocal(path, 'status', {})).toEqual({ answer: 'first' })
  })

  test('one of several daemons that come at once', async () => {
    const came = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => serveLocal(path, 0o600, async () => index)),
    )
    const [first, ...more] = came.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    server = first ?? null
    expect(more).toEqual([])
    for (const one of came) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'already-running' })
    expect(await askLocal(path, 'status', {})).not.toBeNull()
  })

  test('the next daemon, while somebody who says nothing still holds on to the last one', async () => {
    const last = await serveLocal(path, 0o600, async () => 'last')
    const silent = connect(path)
    await once(silent, 'connect')
    const ended = last.close()
    await serve(async () => 'next')
    silent.destroy()
    await ended
    expect(await askLocal(path, 'status', {})).toEqual({ answer: 'next' })
  })

  test('nobody after the end, and no file', async () => {
    await serve(async () => 'x')
    await server?.close()
    server = null
    expect(await askLocal(path, 'status', {})).toBeNull()
    expect(existsSync(path)).toBe(false)
  })
})

test.each([0o600, 0o666])('the file’s mode is the one that was asked for: %o', async (mode) => {
  await serve(async () => null, mode)
  expect((await stat(path)).mode & 0o777).toBe(mode)
})

describe('a caller that misbehaves', () => {
  test('and says what is no JSON is told so', async () => {
    await serve(async () => 'fine')
    expect(JSON.parse(await say('status?\n'))).toMatchObject({ problem: { code: 'internal' } })
    expect(JSON.parse(await say('null\n'))).toMatchObject({ problem: { code: 'internal' } })
    expect(await askLocal(path, 'status', {})).toEqual({ answer: 'fine' })
  })

  test('and never ends its line is cut off', async () => {
    await serve(async () => 'fine')
    expect(await say('x'.repeat(2 * 1024 * 1024))).toBe('')
    expect(await askLocal(path, 'status', {})).toEqual({ answer: 'fine' })
  })

  test('and goes away in the middle hurts nobody', async () => {
    await serve(async () => 'fine')
    const socket = connect(path)
    await once(socket, 'connect')
    socket.write('{"verb":')
    socket.destroy()
    expect(await askLocal(path, 'status', {})).toEqual({ answer: 'fine' })
  })
})

test('a daemon that does not answer is not waited for longer than was said', async () => {
  await serve(() => new Promise(() => undefined))
  await expect(askLocal(path, 'status', {}, 100)).rejects.toMatchObject({
    code: 'no-answer',
    why: 'no answer within 0.1 s',
  })
})

test('a daemon that dies while it is asked is told', async () => {
  const script = `require('node:net').createServer((s) => s.on('data', () => process.kill(process.pid, 'SIGKILL')))
    .listen(process.argv[1], () => console.log('up'))`
  const daemon = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(daemon.stdout, 'data')
  await expect(askLocal(path, 'status', {})).rejects.toMatchObject({ code: 'no-answer' })
})
