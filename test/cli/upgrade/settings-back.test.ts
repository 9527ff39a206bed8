import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentConfigText } from '../../../agent/settings/config-text.ts'
import { settingsBack } from '../../../cli/upgrade/settings-back.ts'
import { readWentBack, wentBackText } from '../../../cli/upgrade/went-back.ts'
import { hubConfigText, HubConfigSchema } from '../../../hub/settings/config.ts'
import { addDevice } from '../../../hub/core/devices.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { readStoreFile, storeText } from '../../../hub/store/store-file.ts'
import { parseYaml } from '../../../system/files/yaml-file.ts'
import { sampleConfig } from '../../agent/sample-config.ts'
import { context as inCore, device, hubKey, joined } from '../../hub/core/some.ts'
import { heardWhile } from '../heard.ts'

const WHY = { newer: '0.2.0', why: 'homeward-hub does not answer' }
const cabin = joined(EMPTY_DOCUMENT, 'cabin')
const [store, phone] = addDevice(cabin.document, cabin.home, device('phone'), hubKey, inCore)

let folder: string
let before: string
let context: Parameters<typeof settingsBack>[0]
const inConfig = (name: string): string => join(context.configDir, name)
const inState = (name: string): string => join(context.stateDir, name)

/** A machine that is home and hub, since either is read by its file alone; and the copy that an upgrade made of it. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-back-'))
  before = join(folder, 'settings')
  context = {
    configDir: join(folder, 'config'),
    stateDir: join(folder, 'state'),
    runtimeDir: join(folder, 'run'),
    json: false,
    yes: true,
  }
  for (const place of [context.configDir, context.stateDir, before]) await mkdir(place, { mode: 0o700 })
  const hub = hubConfigText(parseYaml('addresses: [203.0.113.10]', 'hub.yaml', HubConfigSchema))
  const write = (path: string, text: string): Promise<void> => writeFile(path, text, { mode: 0o600 })
  await write(inConfig('agent.yaml'), agentConfigText(sampleConfig))
  await write(inConfig('hub.yaml'), hub)
  await write(inConfig('alerts.yaml'), 'channels: {}\n')
  await write(inState('store.json'), storeText(store))
  await write(inState('line.json'), '{"schema":1,"mtu":1400}\n')
  await cp(context.configDir, join(before, 'config'), { recursive: true })
  await cp(context.stateDir, join(before, 'state'), { recursive: true })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const goBack = () => heardWhile(() => settingsBack(context, before, WHY, '0.1.0'))

describe('an upgrade that goes back', () => {
  test('leaves what this version reads, with all that has changed since', async () => {
    const changed = agentConfigText({ ...sampleConfig, mtu: 1380 })
    await writeFile(inConfig('agent.yaml'), changed)
    const [next] = addDevice(store, cabin.home, device('laptop'), hubKey, inCore)
    await writeFile(inState('store.json'), storeText(next))
    expect(await goBack()).toEqual({ text: '', problem: null })
    expect(await readFile(inConfig('agent.yaml'), 'utf8')).toBe(changed)
    expect(await readStoreFile(inState('store.json'))).toEqual(next)
  })

  test.each(['agent.yaml', 'hub.yaml', 'alerts.yaml'])(
    'brings %s back, and keeps the newer form beside it',
    async (name) => {
      const old = await readFile(inConfig(name), 'utf8')
      await writeFile(inConfig(name), `${old}sinceTwo: true\n`)
      const { text } = await goBack()
      expect(text).toContain(`${inConfig(name)} is as homeward `)
      expect(await readFile(inConfig(name), 'utf8')).toBe(old)
      expect(await readFile(inConfig(`${name}.newer`), 'utf8')).toContain('sinceTwo')
      expect((await stat(inConfig(`${name}.newer`))).mode & 0o777).toBe(0o600)
    },
  )

  test('leaves a file as it is that its owner wrote wrong before', async () => {
    for (const place of [context.configDir, join(before, 'config')])
      await writeFile(join(place, 'agent.yaml'), place === before ? 'home: 7' : 'home: [')
    expect((await goBack()).text).toBe('')
    expect(await readFile(inConfig('agent.yaml'), 'utf8')).toBe('home: [')
  })

  test('brings no settings back that are gone: the home has left meanwhile', async () => {
    await rm(inConfig('agent.yaml'))
    await goBack()
    await expect(stat(inConfig('agent.yaml'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('goes on with homes and devices of a store that a newer hub wrote', async () => {
    const [next] = addDevice(store, cabin.home, device('laptop'), hubKey, inCore)
    await writeFile(inState('store.json'), JSON.stringify({ ...next, schema: 2, devices: next.devices.slice(1) }))
    const { text } = await goBack()
    const { homes, devices } = await readStoreFile(inState('store.json'))
    expect(homes).toEqual(store.homes)
    expect(devices.map(({ name }) => name)).toEqual(['laptop'])
    expect(text).toContain('removed since, and not back: the device phone\n')
    expect(JSON.parse(await readFile(inState('store.json.newer'), 'utf8'))).toMatchObject({ schema: 2 })
    expect(phone.name).toBe('phone')
  })

  test('brings back what a daemon remembers, where the newer one has raised its schema', async () => {
    await writeFile(inState('line.json'), '{"schema":2,"mtu":{"bytes":1300}}\n')
    await goBack()
    expect(await readFile(inState('line.json'), 'utf8')).toBe('{"schema":1,"mtu":1400}\n')
  })

  test('follows no link that the services’ user has put there', async () => {
    await writeFile(join(folder, 'secret'), '{"schema":9}')
    await rm(inState('line.json'))
    await symlink(join(folder, 'secret'), inState('line.json'))
    await goBack()
    await expect(stat(inState('line.json.newer'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('writes down which version did not stay, and why', async () => {
    await goBack()
    const wentBack = await readWentBack(context.stateDir)
    expect(wentBack).toMatchObject({ version: '0.2.0', why: 'homeward-hub does not answer' })
    expect(wentBackText(wentBack!, '0.1.0')).toMatch(
      /^homeward 0\.2\.0 was tried at \S+Z and did not stay: homeward-hub does not answer\. 0\.1\.0 goes on as before$/,
    )
  })
})
