import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { leave } from '../../../cli/home/leave.ts'
import { askAgent } from '../../../cli/side/ask-agent.ts'
import { askThisHub } from '../../../cli/side/hub-session.ts'
import { readWanted } from '../../../cli/side/open-home.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const context = () => ({ configDir: folder, stateDir: folder, runtimeDir: folder, json: false, yes: true })
const isHub = () => writeFile(join(folder, 'hub.yaml'), '')
const isHome = () => writeFile(join(folder, 'agent.yaml'), '')

test.each([
  ['status', 'agent-not-running', () => askAgent(context(), 'status')],
  ['plan', 'config-missing', () => readWanted(context())],
  ['leave', 'config-missing', () => leave(context(), {})],
] as const)('%s on the hub says that this is the hub, and touches nothing', async (_verb, code, call) => {
  await isHub()
  await expect(call()).rejects.toMatchObject({
    code,
    why: 'this machine is a hub, and that is a command of homes',
    next: 'Run it at the home. Here, homeward hub status shows what the hub sees of its homes',
  })
})

test('hub status at a home says that this is a home', async () => {
  await isHome()
  await expect(askThisHub(context(), 'status', null)).rejects.toMatchObject({
    code: 'hub-not-initialised',
    why: 'this machine is a home, and that is a command of the hub',
    next: 'Run it on the VPS. Here, homeward status shows the tunnel',
  })
})

test('where there is neither, the usual way to begin is said', async () => {
  await expect(askAgent(context(), 'status')).rejects.toMatchObject({ next: expect.stringContaining('homeward join') })
})
