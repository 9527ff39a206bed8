import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openEventLog } from '../../../agent/memory/event-log.ts'
import { uplinkPath, openUplinkMemory, readUplink, UNKNOWN_UPLINK } from '../../../agent/memory/uplink-memory.ts'
import { openTunnelMemory } from '../../../agent/memory/tunnel-memory.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function openBoth() {
  const home = { stateDir: folder, events: await openEventLog(folder), uplink: await openUplinkMemory(folder) }
  const other = join(folder, 'hw1')
  return { home, other, first: await openTunnelMemory(home, folder), second: await openTunnelMemory(home, other) }
}
const mapping = (port: number) =>
  ({
    at: '2026-11-22T20:01:02.500Z',
    kind: 'mapping',
    address: '198.51.100.7',
    port,
    changes: 0,
    previous: null,
  }) as const

test('what a version with one tunnel has written is the first tunnel’s, and stays where that finds it', async () => {
  const written = {
    ...UNKNOWN_UPLINK,
    mtu: 1_280,
    lifeSeconds: 180,
    helped: { 'flow-dead': 'new-session' },
    visitors: true,
  }
  await writeFile(uplinkPath(folder), JSON.stringify(written))
  const { first } = await openBoth()
  expect(first.uplink.current).toEqual(written)
  expect(await first.uplink.change({ mtu: 1_300 })).toBeNull()
  expect(await readUplink(folder)).toEqual({ ...written, mtu: 1_300 })
})

describe('two tunnels', () => {
  test('share what the line has taught, whichever learned it', async () => {
    const { first, second, other } = await openBoth()
    expect(await second.uplink.change({ mtu: 1_280 })).toBeNull()
    expect(await first.uplink.change({ lifeSeconds: 90 })).toBeNull()
    for (const { uplink } of [first, second]) expect(uplink.current).toMatchObject({ mtu: 1_280, lifeSeconds: 90 })
    expect(await readUplink(folder)).toMatchObject({ mtu: 1_280, lifeSeconds: 90 })
    expect(await readUplink(other)).toEqual(UNKNOWN_UPLINK)
  })

  test('keep apart what their hubs have taught', async () => {
    const { first, second, other } = await openBoth()
    await first.uplink.change({ helped: { 'flow-dead': 'new-source-port' } })
    await second.uplink.change({ helped: { 'flow-dead': 'reset' }, visitors: true })
    expect(first.uplink.current).toMatchObject({ helped: { 'flow-dead': 'new-source-port' }, visitors: false })
    expect(second.uplink.current).toMatchObject({ helped: { 'flow-dead': 'reset' }, visitors: true })
    expect(await readUplink(other)).toMatchObject({ helped: { 'flow-dead': 'reset' }, visitors: true })
  })

  test('have their own mappings', async () => {
    const { first, second, home } = await openBoth()
    await first.events.note(mapping(1))
    await second.events.note(mapping(2))
    expect([first, second, home].map(({ events }) => events.lastMapping()?.port)).toEqual([1, 2, 1])
  })

  test('say what could not be written down', async () => {
    const { second, other } = await openBoth()
    await rm(other, { recursive: true })
    await writeFile(other, '')
    expect(await second.uplink.change({ visitors: true })).toContain('ENOTDIR')
    expect(second.uplink.current.visitors).toBe(true)
  })
})
