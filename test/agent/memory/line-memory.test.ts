import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { uplinkPath, openUplinkMemory, readUplink, UNKNOWN_UPLINK } from '../../../agent/memory/uplink-memory.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-line-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('what a line taught', () => {
  test('is nothing at first, and nothing is written for it', async () => {
    const memory = await openUplinkMemory(folder)
    expect(memory.current).toEqual(UNKNOWN_UPLINK)
    expect(await memory.change({ mtu: null, helped: {} })).toBeNull()
    expect(await readdir(folder)).toEqual([])
  })

  test('is there for the next agent and for other commands', async () => {
    const memory = await openUplinkMemory(folder)
    expect(await memory.change({ mtu: 1_280 })).toBeNull()
    expect(await memory.change({ helped: { 'flow-dead': 'new-source-port' } })).toBeNull()
    const learned = { ...UNKNOWN_UPLINK, mtu: 1_280, helped: { 'flow-dead': 'new-source-port' } }
    expect(memory.current).toEqual(learned)
    expect(await readUplink(folder)).toEqual(learned)
    expect((await openUplinkMemory(folder)).current).toEqual(learned)
  })

  test('is written once when it is said twice', async () => {
    const memory = await openUplinkMemory(folder)
    await memory.change({ lifeSeconds: 30, lifeMeasuredAt: '2026-11-23T04:00:00.000Z' })
    const { ino } = await stat(uplinkPath(folder))
    await memory.change({ lifeSeconds: 30 })
    expect((await stat(uplinkPath(folder))).ino).toBe(ino)
  })

  test('said by several at once, is all there', async () => {
    const memory = await openUplinkMemory(folder)
    await Promise.all([
      memory.change({ mtu: 1_300 }),
      memory.change({ lifeSeconds: 45 }),
      memory.change({ mtu: 1_280 }),
    ])
    expect(await readUplink(folder)).toEqual({ ...UNKNOWN_UPLINK, mtu: 1_280, lifeSeconds: 45 })
  })

  test.each(['', '{', '{"schema":1}', '{"schema":2,"mtu":1280}', JSON.stringify({ ...UNKNOWN_UPLINK, mtu: 20 })])(
    'damaged into %j, is forgotten and can be learned again',
    async (text) => {
      await writeFile(uplinkPath(folder), text)
      const memory = await openUplinkMemory(folder)
      expect(memory.current).toEqual(UNKNOWN_UPLINK)
      expect(await memory.change({ mtu: 1_280 })).toBeNull()
      expect((await readUplink(folder)).mtu).toBe(1_280)
    },
  )

  test('that cannot be written, holds for this agent', async () => {
    const memory = await openUplinkMemory(join(folder, 'state'))
    expect(await memory.change({ mtu: 1_280 })).toContain('ENOENT')
    expect(memory.current.mtu).toBe(1_280)
    // The disk is back: the next change writes all of it.
    await mkdir(join(folder, 'state'))
    expect(await memory.change({ lifeSeconds: 45 })).toBeNull()
    expect(await readUplink(join(folder, 'state'))).toEqual({ ...UNKNOWN_UPLINK, mtu: 1_280, lifeSeconds: 45 })
  })
})
