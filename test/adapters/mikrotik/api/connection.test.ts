import { afterEach, expect, test } from 'vitest'
import { type Connection, keepConnection } from '../../../../adapters/mikrotik/api/connection.ts'
import { type Answer, type RawRouter, sentence, startRawRouter } from '../raw-router.ts'

const never = new AbortController().signal
const print = { command: '/interface/print' }
let now = 0
const clock = { now: () => now, wall: () => new Date(0) }
let router: RawRouter | null = null
let connection: Connection | null = null

afterEach(async () => {
  connection?.close()
  await router?.close()
  now = 0
})

const done: Answer = (_words, tag, socket) => socket.write(sentence('!done', tag))

async function keep(answer: Answer): Promise<Connection> {
  router = await startRawRouter(answer)
  connection = keepConnection(router.access(), clock)
  return connection
}

function logins(): number {
  return router?.heard.filter(([command]) => command === '/login').length ?? 0
}

test('one session serves every command, also those that come at once', async () => {
  const { exec, ends } = await keep(done)
  expect(ends()).toBeNull()
  await Promise.all([exec(print, never), exec(print, never), exec(print, never)])
  await exec(print, never)
  expect(logins()).toBe(1)
  expect(ends()).toEqual({ local: '127.0.0.1', remote: '127.0.0.1' })
})

test('a print that finds the session dead is asked once more, a change is not', async () => {
  let isDying = false
  const { exec } = await keep((words, tag, socket) => {
    if (isDying) socket.resetAndDestroy()
    else done(words, tag, socket)
    isDying = false
  })
  await exec(print, never)
  isDying = true
  await exec(print, never)
  expect(logins()).toBe(2)
  isDying = true
  await expect(exec({ command: '/ip/address/add' }, never)).rejects.toMatchObject({ code: 'router-unreachable' })
  expect(logins()).toBe(2)
  await exec({ command: '/ip/address/add' }, never)
  expect(logins()).toBe(3)
})

test('attempts that fail have growing pauses, in which a command fails at once and says why', async () => {
  const { exec } = await keep((_words, _tag, socket) => socket.resetAndDestroy())
  const pauses: number[] = []
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const before = logins()
    await expect(exec({ command: '/x/set' }, never)).rejects.toMatchObject({ code: 'router-unreachable' })
    expect(logins()).toBe(before + 1)
    const again = await exec(print, never).catch((error: unknown) => error as Error)
    expect(logins()).toBe(before + 1)
    const seconds = Number(/next attempt is due in (\d+) s/.exec((again as Error).message)?.[1])
    pauses.push(seconds)
    now += seconds * 1000 - 1
    await expect(exec(print, never)).rejects.toThrow(/due in 1 s/)
    now += 1
  }
  expect(pauses).toEqual([1, 2, 4, 8, 8, 8, 8, 8])
})

test('a session that left a command unanswered is not trusted with the next', async () => {
  let isDeaf = true
  const { exec } = await keep((words, tag, socket) => {
    if (!isDeaf) done(words, tag, socket)
  })
  await expect(exec(print, never, 30)).rejects.toMatchObject({ code: 'router-timeout' })
  isDeaf = false
  now += 1000
  await exec(print, never)
  expect(logins()).toBe(2)
})

test('who calls off waits for no connection, and the others still get theirs', async () => {
  let login: (() => void) | null = null
  router = await startRawRouter(
    (words, tag, socket) => {
      if (words[0] === '/login') login = () => done(words, tag, socket)
      else done(words, tag, socket)
    },
    { logsIn: false },
  )
  connection = keepConnection(router.access(), clock)
  const calledOff = new AbortController()
  const one = connection.exec(print, calledOff.signal)
  const other = connection.exec(print, never)
  calledOff.abort()
  await expect(one).rejects.toMatchObject({ code: 'interrupted' })
  await expect.poll(() => login).not.toBeNull()
  ;(login as (() => void) | null)?.()
  expect(await other).toEqual({ rows: [], ret: null })
})

test('closed, it opens nothing more, and what was under way ends', async () => {
  const { exec, close } = await keep(() => undefined)
  const pending = exec(print, never)
  await expect.poll(() => router?.heard.length).toBe(2)
  close()
  await expect(pending).rejects.toMatchObject({ code: 'router-unreachable' })
  await expect(exec(print, never)).rejects.toThrow('closed here')
  await expect.poll(() => router?.sockets.size).toBe(0)
})

test('a fresh session is another one, and its caller’s', async () => {
  const { exec, fresh } = await keep(done)
  await exec(print, never)
  const session = await fresh(never)
  expect(logins()).toBe(2)
  session.close()
  await exec(print, never)
  expect(logins()).toBe(2)
})
