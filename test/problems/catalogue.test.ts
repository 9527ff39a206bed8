import { Command } from 'commander'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { registerAlertVerbs } from '../../cli/alert/alert-verbs.ts'
import { registerDeviceVerbs } from '../../cli/device/device-verbs.ts'
import { registerHomeVerbs } from '../../cli/home/home-verbs.ts'
import { registerHubVerbs } from '../../cli/hub/hub-verbs.ts'
import { registerBackupVerbs } from '../../cli/backup/backup-verbs.ts'
import { registerConfigVerbs } from '../../cli/config/config-verbs.ts'
import { registerLogsVerb } from '../../cli/logs/logs-verb.ts'
import { registerPublishVerbs } from '../../cli/publish/publish-verbs.ts'
import { registerRouterVerbs } from '../../cli/router/router-verbs.ts'
import { registerSetupVerb } from '../../cli/setup/setup-verb.ts'
import { registerUpgradeVerb } from '../../cli/upgrade/upgrade-verb.ts'
import { catalogue } from '../../problems/catalogue.ts'
import { SOURCE_ROOMS } from '../source-rooms.ts'

async function sources(): Promise<string> {
  const texts = SOURCE_ROOMS.map(async (room) => {
    const files = (await readdir(room, { recursive: true })).filter((file) => file.endsWith('.ts'))
    return Promise.all(files.map((file) => readFile(join(room, file), 'utf8')))
  })
  return (await Promise.all(texts)).flat(2).join('\n')
}

/** After a colon homeward may also be the subject of a sentence: `homeward never touches …`. */
const PROSE: ReadonlySet<string> = new Set(['never', 'only', 'keeps', 'could'])

/** `status`, `hub`, `hub invite`, … */
function verbs(): ReadonlySet<string> {
  const program = new Command('homeward')
  for (const register of [
    registerHomeVerbs,
    registerHubVerbs,
    registerDeviceVerbs,
    registerPublishVerbs,
    registerAlertVerbs,
    registerRouterVerbs,
    registerLogsVerb,
    registerUpgradeVerb,
    registerSetupVerb,
    registerBackupVerbs,
    registerConfigVerbs,
  ])
    register(program)
  return new Set(
    program.commands.flatMap((verb) => [
      verb.name(),
      ...verb.commands.map((inner) => `${verb.name()} ${inner.name()}`),
    ]),
  )
}

test('every problem is one that something reports', async () => {
  const text = await sources()
  expect(Object.keys(catalogue).filter((code) => !text.includes(`'${code}'`))).toEqual([])
})

test('whoever is told to upgrade is told both ways, since homeward comes by install.sh or as a package', async () => {
  const texts = [...Object.values(catalogue).map(({ next }) => next), await sources()]
  expect(texts.flatMap((text) => text.match(/.*install\.sh upgrade(?!, or apt-get).*/g) ?? [])).toEqual([])
  expect(catalogue['token-version'].next).toContain('apt-get')
})

test('every next step is a sentence without its full stop, and names only commands that exist', async () => {
  const known = verbs()
  const texts = [...Object.values(catalogue).map(({ next }) => next), await sources()].join('\n')
  for (const { next } of Object.values(catalogue)) expect(next).toMatch(/^[A-Z].*[^.]$/)
  const named = [
    ...texts.matchAll(/\b(?:Run|with|then|or|by|:) homeward ((?:hub |device |publish |alert |router )?[a-z-]+)/g),
  ].map(([, verb]) => verb ?? '')
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((verb) => !known.has(verb) && !PROSE.has(verb))).toEqual([])
})
