import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  givenBy,
  givenChannelsPath,
  keepGiven,
  readGiven,
  takenFrom,
  withGiven,
} from '../../../alerts/settings/given-channels.ts'
import { readAlertSettings } from '../../../alerts/settings/read-settings.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function reading(yaml: string) {
  await writeFile(join(folder, 'alerts.yaml'), yaml, { mode: 0o600 })
  return await readAlertSettings(folder)
}

describe('a hub gives its homes', () => {
  test('the channels that its owner named for everywhere, with what they are told', async () => {
    const settings = await reading(`
channels:
  phone: { kind: ntfy, topic: t, takes: [outages] }
  mine: ntfys://ntfy.sh/other
everywhere: [phone, gone]
`)
    expect(givenBy(settings)).toEqual([
      { name: 'phone', settings: { kind: 'ntfy', server: 'https://ntfy.sh', topic: 't', takes: ['outages'] } },
    ])
  })

  test('nothing that homes would not take', async () => {
    const settings = await reading(`
channels:
  letters: mailtos://me:secret@smtp.example.org?from=a@example.org&to=b@example.org
  plain: ntfy://ntfy.example:8080/topic
everywhere: [letters, plain]
`)
    expect(givenBy(settings)).toEqual([])
  })
})

describe('a home takes from its hub', () => {
  const ntfy = { kind: 'ntfy', server: 'https://ntfy.sh', topic: 't' }

  test('what it knows, under a name that no channel of its own can have', () => {
    expect(takenFrom([{ name: 'phone', settings: ntfy }])).toEqual({ 'hub/phone': { ...ntfy, fromHub: true } })
  })

  test.each([
    ['a kind of a later version', { kind: 'pigeon', loft: 'x' }],
    ['a field of a later version', { ...ntfy, colour: 'red' }],
    ['a channel that calls itself the home’s own', { ...ntfy, fromHub: true }],
    ['what goes without TLS', { ...ntfy, server: 'http://ntfy.example' }],
    ['an address of this machine', { kind: 'webhook', url: 'https://127.0.0.1/x' }],
    ['an address of the LAN', { kind: 'webhook', url: 'https://192.168.1.1/x' }],
    ['an IPv6 address of the LAN', { kind: 'webhook', url: 'https://[fd00::1]/x' }],
    ['an address written as one number', { kind: 'webhook', url: 'https://3232235777/x' }],
    ['an address that is none', { kind: 'webhook', url: 'https://x:99999/' }],
    ['another', { ...ntfy, server: 'https://1.2.3.999' }],
    ['a broker', { kind: 'homeassistant', broker: 'mqtt://192.168.1.5' }],
    ['mail', { kind: 'mail', host: '192.168.1.5', from: 'a@b', to: 'c@d' }],
    ['a sign of life', { kind: 'healthchecks', url: 'https://hc-ping.com/u' }],
  ])('and leaves out %s', (_what, settings) => {
    expect(
      takenFrom([
        { name: 'odd', settings },
        { name: 'phone', settings: ntfy },
      ]),
    ).toEqual({ 'hub/phone': { ...ntfy, fromHub: true } })
  })

  test('no odd name, and no more than a file may have', () => {
    expect(takenFrom([{ name: '../phone', settings: ntfy }])).toEqual({})
    const many = Array.from({ length: 30 }, (_, at) => ({ name: `n${at}`, settings: ntfy }))
    expect(Object.keys(takenFrom(many))).toHaveLength(20)
  })

  test('nothing that it has itself, so that nobody is told twice', async () => {
    const own = await reading('channels: { mobile: ntfys://ntfy.sh/t }')
    const given = takenFrom([
      { name: 'phone', settings: ntfy },
      { name: 'other', settings: { ...ntfy, topic: 'u' } },
    ])
    expect(Object.keys(withGiven(own, given).channels)).toEqual(['mobile', 'hub/other'])
  })

  test('and remembers it, for nobody else to read, while the hub is away', async () => {
    await keepGiven(folder, [{ name: 'phone', settings: ntfy }])
    expect(await readGiven(folder)).toEqual([{ name: 'phone', settings: ntfy }])
    expect((await stat(givenChannelsPath(folder))).mode & 0o777).toBe(0o600)
    await keepGiven(folder, [])
    await expect(stat(givenChannelsPath(folder))).rejects.toThrow()
    expect(await readGiven(folder)).toEqual([])
    await writeFile(givenChannelsPath(folder), '{ half')
    expect(await readGiven(folder)).toEqual([])
  })
})
