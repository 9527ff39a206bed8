import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { askHub, startupGate } from '../../hub/control.ts'
import type { Hub } from '../../hub/service/hub.ts'
import { takeSocket } from '../../hub/take-socket.ts'
import { askLocal, serveLocal } from '../../system/sockets/local-socket.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-take-'))
  path = join(folder, 'hub.sock')
})
afterEach(() => rm(folder, { recursive: true }))

const never = new AbortController().signal
const mine = async (): Promise<string> => 'mine'

test('a daemon waits for a command that has opened the hub, however long its own kind would be waited for', async () => {
  let open: (thrown: Error) => void = () => undefined
  // A hub that is never opened: whoever holds the socket says what it is all the same.
  const opening = new Promise<{ readonly hub: Hub }>((_resolve, reject) => (open = reject))
  const command = askHub(path, 'reconcile', null, () => opening)
  await expect.poll(() => askLocal(path, 'holder', null)).toEqual({ answer: 'command' })

  const daemon = takeSocket(path, mine, never, { command: 60_000, daemon: 0 })
  // A second one that would not wait for a command is given up in the time that the first one waits.
  await expect(takeSocket(path, mine, never, { command: 0, daemon: 60_000 })).rejects.toMatchObject({
    code: 'already-running',
  })
  open(new Error('enough'))
  await expect(command).rejects.toThrow('enough')
  const server = await daemon
  expect(await askLocal(path, 'status', null)).toEqual({ answer: 'mine' })
  await server.close()
})

test.each([
  ['another daemon', startupGate('daemon', () => Promise.reject(new Error('not opened'))).handler],
  ['a holder of an earlier version, which does not say what it is', () => Promise.reject(new Error('unknown verb'))],
])('%s is not waited for as long', async (_who, handler) => {
  const server = await serveLocal(path, 0o600, handler)
  const taken = takeSocket(path, mine, never, { command: 60_000, daemon: 0 })
  await expect(taken).rejects.toMatchObject({ code: 'already-running' })
  await server.close()
})
