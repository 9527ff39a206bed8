import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sleep } from '../../system/time/sleep.ts'
import { isServed, serveLocal } from '../../system/sockets/local-socket.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-lock-'))
  path = join(folder, 'a.sock')
})
afterEach(() => rm(folder, { recursive: true }))

const nobody = async (): Promise<unknown> => null

test('what a killed holder left goes to exactly one of many who come at once, who can be reached', async () => {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log())`
  const holder = spawn(process.execPath, ['-e', script])
  await once(holder.stdout, 'data')
  holder.kill('SIGKILL')
  await once(holder, 'exit')

  const tries = await Promise.allSettled(Array.from({ length: 30 }, () => serveLocal(path, 0o600, nobody)))
  const holders = tries.filter((one) => one.status === 'fulfilled').map((one) => one.value)
  expect(holders).toHaveLength(1)
  expect(await isServed(path)).toBe(true)
  await holders[0]?.close()
  expect(await readdir(folder)).toEqual([])
})

test('a holder can be reached, however many take it in turn', async () => {
  let holdings = 0
  const passer = async (): Promise<void> => {
    for (let round = 0; round < 50; round += 1) {
      const server = await serveLocal(path, 0o600, nobody).catch(() => null)
      if (server === null) continue
      holdings += 1
      expect(await isServed(path)).toBe(true)
      await server.close()
    }
  }
  await Promise.all([passer(), passer(), passer(), passer()])
  expect(holdings).toBeGreaterThan(0)
  expect(await readdir(folder)).toEqual([])
})

test('whoever hangs up on its side after the question gets the answer all the same', async () => {
  const server = await serveLocal(path, 0o600, async () => {
    // By then the end that the other side sent has long arrived.
    await sleep(50)
    return 'late'
  })
  expect(await text(connect(path).end('{"verb":"status"}\n'))).toBe('{"answer":"late"}\n')
  await server.close()
})

test('the end waits for nobody who has asked nothing', async () => {
  const server = await serveLocal(path, 0o600, nobody)
  const callers = [connect(path), connect(path)]
  await Promise.all(callers.map((caller) => once(caller, 'connect')))
  callers[0]?.write('{"verb":')
  const gone = callers.map((caller) => new Promise((resolve) => caller.on('error', resolve).once('close', resolve)))
  await server.close()
  await Promise.all(gone)
})
