import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AgentConfig, agentConfigPath, leavingConfigPath } from '../../../agent/settings/config.ts'
import { agentConfigText } from '../../../agent/settings/config-text.ts'
import { type ConfigWatch, watchConfig } from '../../../agent/settings/config-watch.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { watchFile } from '../../../system/files/file-watch.ts'
import { makeLog } from '../../../system/process/log.ts'
import { sampleConfig } from '../sample-config.ts'

const log = makeLog('agent')
log.level = 'silent'

let folder: string
let ending: AbortController
let taken: AgentConfig[]
let refused: string[]
let watch: ConfigWatch
let running: Promise<string>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-watch-'))
  await write(sampleConfig)
  ending = new AbortController()
  taken = []
  refused = []
  watch = watchConfig(
    folder,
    await watchFile(agentConfigPath(folder)),
    (config) => {
      taken.push(config)
      return config.home === sampleConfig.home ? 'taken' : 'joined-again'
    },
    (why) => refused.push(why),
    log,
  )
  running = watch.run(ending.signal)
})
afterEach(async () => {
  ending.abort()
  await running
  await rm(folder, { recursive: true })
})

async function write(config: AgentConfig, change = (text: string): string => text): Promise<void> {
  await writeFileAtomic(agentConfigPath(folder), change(agentConfigText(config)))
}

describe('agent.yaml while the agent runs', () => {
  test('of another join ends the watch, and whoever asked for the look hears when it was taken', async () => {
    await write({ ...sampleConfig, home: 'lodge' })
    await watch.recheck()
    expect(taken).toHaveLength(1)
    expect(await running).toBe('joined-again')
    await watch.recheck()
  })

  test('changed, is taken', async () => {
    await write({ ...sampleConfig, heartbeatSeconds: 25 })
    void watch.recheck()
    await vi.waitFor(() => expect(taken).toEqual([{ ...sampleConfig, heartbeatSeconds: 25 }]))
  })

  test('with a wrong type is refused once, and a corrected one is taken', async () => {
    await write(sampleConfig, (text) => text.replace('mtu: 1420', 'mtu: huge'))
    void watch.recheck()
    await vi.waitFor(() => expect(refused).toEqual([expect.stringContaining('mtu must be number, but is "huge"')]))
    void watch.recheck()
    await write({ ...sampleConfig, mtu: 1400 })
    void watch.recheck()
    await vi.waitFor(() => expect(taken).toEqual([{ ...sampleConfig, mtu: 1400 }]))
    expect(refused.length).toBe(1)
  })

  test('renamed by leave, ends the agent at once', async () => {
    await rename(agentConfigPath(folder), leavingConfigPath(folder))
    void watch.recheck()
    expect(await running).toBe('left')
  })

  test('gone for a moment, as some editors do it, ends nothing', async () => {
    await rm(agentConfigPath(folder))
    void watch.recheck()
    await new Promise((resolve) => setTimeout(resolve, 100))
    await write({ ...sampleConfig, heartbeatSeconds: 7 })
    void watch.recheck()
    await vi.waitFor(() => expect(taken.length).toBe(1))
  })

  test('gone for good, ends the agent', async () => {
    await rm(agentConfigPath(folder))
    expect(await running).toBe('left')
  })

  test('the signal ends it', async () => {
    ending.abort()
    expect(await running).toBe('ended')
  })
})
