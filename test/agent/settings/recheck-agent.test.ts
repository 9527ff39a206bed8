import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  askAlertTest,
  askDrill,
  askDrillReport,
  controlHandler,
  recheckAgent,
} from '../../../agent/settings/recheck-agent.ts'
import { agentControlPath, agentSocketPath } from '../../../agent/settings/socket-path.ts'
import { askLocal, type LocalServer, serveLocal } from '../../../system/sockets/local-socket.ts'

let folder: string
let servers: LocalServer[]
let looked: number
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-recheck-'))
  servers = []
  looked = 0
})
afterEach(async () => {
  for (const server of servers) await server.close()
  await rm(folder, { recursive: true })
})

const look = async (): Promise<void> => {
  looked += 1
}
const began: string[][] = []
const controls = {
  recheck: look,
  testAlerts: async (channel: string | null) => [{ name: channel }],
  startDrill: async (ways: readonly string[]) => void began.push([...ways]),
  drillReport: () => ({ over: false }),
}
const refuse = async (): Promise<never> => {
  throw new TypeError('no such question')
}

test('an agent looks, is asked at the socket of root and its own user, and does nothing else there', async () => {
  const control = agentControlPath(folder)
  servers.push(await serveLocal(agentSocketPath(folder), 0o666, refuse))
  servers.push(await serveLocal(control, 0o600, controlHandler(controls)))
  expect(await recheckAgent(folder, 5_000)).toBe('looked')
  expect(looked).toBe(1)
  expect((await stat(control)).mode & 0o777).toBe(0o600)
  await expect(askLocal(control, 'status', null)).rejects.toMatchObject({ code: 'internal' })
})

test('one of before, which listens at one socket, looks too', async () => {
  servers.push(await serveLocal(agentSocketPath(folder), 0o666, controlHandler(controls)))
  expect(await recheckAgent(folder, 5_000)).toBe('looked')
  expect(looked).toBe(1)
})

test('one that ends, or cannot look, is somebody; where none runs there is nobody', async () => {
  expect(await recheckAgent(folder, 5_000)).toBeNull()
  servers.push(await serveLocal(agentSocketPath(folder), 0o666, refuse))
  expect(await recheckAgent(folder, 5_000)).toBe('somebody')
})

test('an agent sends a test of its alerts when it is told to; where none runs there is nobody', async () => {
  expect(await askAlertTest(folder, 'phone', 5_000)).toBeNull()
  servers.push(await serveLocal(agentControlPath(folder), 0o600, controlHandler(controls)))
  expect(await askAlertTest(folder, 'phone', 5_000)).toEqual({ answer: [{ name: 'phone' }] })
  await expect(askLocal(agentControlPath(folder), 'alert-test', { channel: 7 })).rejects.toThrow()
})

test('an agent begins a drill when it is told to, of known ways only, and says how it goes', async () => {
  expect(await askDrill(folder, ['port'], 5_000)).toBe(false)
  servers.push(await serveLocal(agentControlPath(folder), 0o600, controlHandler(controls)))
  expect(await askDrill(folder, ['port', 'mapping'], 5_000)).toBe(true)
  expect(began).toEqual([['port', 'mapping']])
  expect(await askDrillReport(folder, 5_000)).toEqual({ answer: { over: false } })
  await expect(askLocal(agentControlPath(folder), 'drill', { ways: ['all-of-it'] })).rejects.toThrow()
})
