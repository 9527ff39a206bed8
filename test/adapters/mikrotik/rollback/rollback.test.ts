import { access, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { executeSteps } from '../../../../adapters/mikrotik/execute.ts'
import { routerOfJournal } from '../../../../adapters/mikrotik/rollback/journal.ts'
import { makeRollback, type Rollback } from '../../../../adapters/mikrotik/rollback/rollback.ts'
import type { PublicKey } from '../../../../wireguard/keys.ts'
import { type PaperRouter, paperRouter } from '../paper-router.ts'
import { stateFolder } from '../../state-folder.ts'

const ACCESS = { port: 8729, user: 'homeward', certificate: null }
const KEY = `${'B'.repeat(42)}A=` as PublicKey
const signal = new AbortController().signal
const PEER = {
  publicKey: KEY,
  presharedKeyId: null,
  endpoint: { address: '203.0.113.10', port: 51_820 },
  allowedIps: ['10.86.0.0/16'],
  keepaliveSeconds: 25,
}

let stateDir: string
let wall: number
beforeEach(async () => {
  stateDir = await stateFolder()
  wall = 1_800_000_000_000
})

const journal = () => join(stateDir, 'router-undo.json')

function rollbackOf(router: PaperRouter): Rollback {
  const clock = { now: () => 0, wall: () => new Date(wall) }
  const { connection, dialect } = router
  return makeRollback({
    connection,
    host: '192.168.1.1',
    access: ACCESS,
    stateDir,
    clock,
    dialect: async () => dialect,
  })
}

/** What a plan would do between arming and keeping. */
async function change(rollback: Rollback): Promise<void> {
  const site = { exec: rollback.exec, signal, peerName: true }
  await executeSteps({ kind: 'create-interface', interface: 'hw0' }, site)
  await executeSteps({ kind: 'add-address', interface: 'hw0', address: '10.86.0.2/16' }, site)
  await executeSteps({ kind: 'set-peers', interface: 'hw0', peers: [PEER] }, site)
}

const WAYS = {
  'safe mode': { safeMode: 'free' },
  'a script': {},
  'the scheduler': { execute: 'refused' },
} as const

describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('with %s', (way) => {
  test('what is kept stays, and nothing of the rollback is left', async () => {
    const router = paperRouter(WAYS[way])
    const rollback = rollbackOf(router)
    await rollback.arm(['hw0'], 90, signal)
    await change(rollback)
    expect((await stat(journal())).mode & 0o777).toBe(0o600)
    await rollback.keep(signal)
    expect(router.rows('/interface/wireguard/peers')).toHaveLength(1)
    expect([router.jobs.size, router.schedule().length, router.openSessions()]).toEqual([0, 0, 0])
    await expect(access(journal())).rejects.toThrow('ENOENT')
  })

  test('what is reverted is as it was, and nothing of the rollback is left', async () => {
    const router = paperRouter(WAYS[way])
    const before = router.text()
    const rollback = rollbackOf(router)
    await rollback.arm(['hw0'], 90, signal)
    await change(rollback)
    await rollback.revert(signal)
    expect(router.text()).toBe(before)
    expect([router.jobs.size, router.schedule().length, router.openSessions()]).toEqual([0, 0, 0])
    await expect(access(journal())).rejects.toThrow('ENOENT')
  })

  test('what was neither is taken back by the next process, once', async () => {
    const router = paperRouter(WAYS[way])
    const before = router.text()
    const first = rollbackOf(router)
    await first.arm(['hw0'], 90, signal)
    await change(first)
    first.close()
    const second = rollbackOf(router)
    await second.recover(signal)
    expect(router.text()).toBe(before)
    expect([router.jobs.size, router.schedule().length]).toEqual([0, 0])
    const count = router.changes().length
    await second.recover(signal)
    expect(router.changes().length).toBe(count)
  })

  test('who can no longer log in does not keep it', async () => {
    const router = paperRouter(WAYS[way])
    const rollback = rollbackOf(router)
    await rollback.arm(['hw0'], 90, signal)
    await change(rollback)
    router.cutOff()
    await expect(rollback.keep(signal)).rejects.toThrow('no route to host')
    expect(router.jobs.size + router.schedule().length + router.openSessions()).toBe(1)
  })
})

test('the script waits as long as it was told, asks for its marker, and undoes', async () => {
  const router = paperRouter()
  await rollbackOf(router).arm(['hw0'], 90, signal)
  const [script] = router.jobs.values()
  const [marker] = router.rows('/ip/firewall/address-list')
  expect(marker).toMatchObject({ timeout: '150s' })
  expect(script?.split('\n').slice(0, 2)).toEqual([
    ':delay 90s',
    `:if ([:len [/ip/firewall/address-list/find where comment="${marker?.['comment']}"]] != 0) do={`,
  ])
  expect(script).toContain('/interface/wireguard/remove [find where comment="homeward hw0"]')
})

test('the scheduler’s entry takes itself away before it undoes', async () => {
  const router = paperRouter({ execute: 'refused' })
  await rollbackOf(router).arm(['hw0'], 90, signal)
  const [entry] = router.schedule()
  expect(entry).toMatchObject({ interval: '90s', comment: 'homeward hw0' })
  expect(entry?.['on-event']?.split('\n')[0]).toBe('/system/scheduler/remove [find where name="homeward-undo-hw0"]')
})

test('a router without any way is not changed, and each way is named', async () => {
  const router = paperRouter({ execute: 'refused', allowsScheduler: false })
  const thrown = await rollbackOf(router)
    .arm(['hw0'], 90, signal)
    .catch((problem: unknown) => problem)
  expect(thrown).toMatchObject({ code: 'router-rollback-unavailable' })
  expect(String(thrown)).toMatch(
    /7\.18, and this is 7\.16\.2; .*not enough permissions \(9\).*; its device-mode forbids/,
  )
  await expect(access(journal())).rejects.toThrow('ENOENT')
})

test('a script that has undone already is noticed', async () => {
  const router = paperRouter()
  const rollback = rollbackOf(router)
  await rollback.arm(['hw0'], 90, signal)
  await change(rollback)
  for (const id of router.jobs.keys()) router.endJob(id)
  await expect(rollback.keep(signal)).rejects.toThrow('undone the change already')
})

test('long after, a job of the same number is somebody else’s', async () => {
  const router = paperRouter()
  const first = rollbackOf(router)
  await first.arm(['hw0'], 90, signal)
  first.close()
  wall += 3_600_000
  await rollbackOf(router).recover(signal)
  expect(router.jobs.size).toBe(1)
})

test('what another process is still at is left alone', async () => {
  const router = paperRouter()
  const first = rollbackOf(router)
  await first.arm(['hw0'], 90, signal)
  await change(first)
  await rollbackOf(router).recover(signal)
  expect(router.rows('/interface/wireguard')).toHaveLength(1)
  expect(router.jobs.size).toBe(1)
})

test('a power cut ends every writer, whoever has its number now', async () => {
  const router = paperRouter()
  const first = rollbackOf(router)
  await first.arm(['hw0'], 90, signal)
  await change(first)
  const written = JSON.parse(await readFile(journal(), 'utf8')) as { writer: { boot: string } }
  await writeFile(journal(), JSON.stringify({ ...written, writer: { ...written.writer, boot: 'an earlier one' } }))
  await rollbackOf(router).recover(signal)
  expect(router.rows('/interface/wireguard')).toEqual([])
  expect(router.jobs.size).toBe(0)
})

test('a left journal says which router it is of and how it was reached, and no password', async () => {
  const first = rollbackOf(paperRouter())
  await first.arm(['hw0'], 90, signal)
  first.close()
  expect(await routerOfJournal(stateDir)).toEqual({ host: '192.168.1.1', ...ACCESS })
  await writeFile(journal(), JSON.stringify({ version: 1, host: '192.168.1.1' }))
  expect(await routerOfJournal(stateDir)).toBeNull()
})

test('a journal of another router is left alone', async () => {
  const first = rollbackOf(paperRouter())
  await first.arm(['hw0'], 90, signal)
  first.close()
  const other = paperRouter()
  const { connection, dialect } = other
  const clock = { now: () => 0, wall: () => new Date(wall) }
  await makeRollback({
    connection,
    host: '10.0.0.1',
    access: ACCESS,
    stateDir,
    clock,
    dialect: async () => dialect,
  }).recover(signal)
  expect(JSON.parse(await readFile(journal(), 'utf8'))).toMatchObject({ host: '192.168.1.1' })
})

test('an interface that was there goes only when all is kept, and comes back with its key when it is not', async () => {
  const router = paperRouter()
  const id = router.put('/interface/wireguard', { name: 'hw1', comment: 'homeward hw1' })
  router.put('/ip/address', { address: '10.86.0.2/16', interface: 'hw1', comment: 'homeward hw1' })
  const before = router.text()
  const rollback = rollbackOf(router)
  await rollback.arm(['hw0', 'hw1'], 90, signal)
  await rollback.removeInterface('hw1', signal)
  await change(rollback)
  expect(router.rows('/interface/wireguard')[0]).toMatchObject({ '.id': id, disabled: 'true' })
  await rollback.revert(signal)
  expect(router.text()).toBe(before)

  await rollback.arm(['hw0'], 90, signal)
  await rollback.removeInterface('hw1', signal)
  await change(rollback)
  await rollback.keep(signal)
  expect(router.rows('/interface/wireguard').map((row) => row['name'])).toEqual(['hw0'])
})

test('an interface that its owner renamed goes, too, once all is kept', async () => {
  const router = paperRouter()
  await change(rollbackOf(router))
  const [row] = router.rows('/interface/wireguard')
  const attributes = { '.id': row?.['.id'] ?? '', name: 'vpn' }
  await router.connection.exec({ command: '/interface/wireguard/set', attributes }, signal)
  const rollback = rollbackOf(router)
  await rollback.arm(['hw0', 'hw1'], 90, signal)
  await rollback.removeInterface('hw0', signal)
  await executeSteps({ kind: 'create-interface', interface: 'hw1' }, { exec: rollback.exec, signal, peerName: true })
  await rollback.keep(signal)
  expect(router.rows('/interface/wireguard').map(({ name }) => name)).toEqual(['hw1'])
})
