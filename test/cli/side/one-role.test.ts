import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refuseIfAlso } from '../../../cli/side/one-role.ts'

let configDir: string
const context = () => ({ configDir, stateDir: configDir, runtimeDir: configDir, json: false, yes: true })

beforeAll(async () => {
  configDir = await mkdtemp(join(tmpdir(), 'homeward-role-'))
})
afterAll(() => rm(configDir, { recursive: true }))

test('a machine that is nothing yet may become either', async () => {
  await refuseIfAlso('hub', context(), 'joining the hub')
  await refuseIfAlso('home', context(), 'starting a hub')
})

test('a hub does not become a home as well, which would take its interface away', async () => {
  await writeFile(join(configDir, 'hub.yaml'), '')
  await expect(refuseIfAlso('hub', context(), 'joining the hub')).rejects.toMatchObject({ code: 'role-taken' })
  await refuseIfAlso('home', context(), 'starting a hub')
})
