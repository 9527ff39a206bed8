import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HubConfigSchema, hubConfigText, readHubConfig } from '../../../hub/settings/config.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-config-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function reading(text: string) {
  const path = join(folder, 'hub.yaml')
  await writeFile(path, text)
  return await readHubConfig(path)
}

test('an address is all it needs', async () => {
  expect(await reading('addresses: [203.0.113.10]')).toEqual({
    addresses: ['203.0.113.10'],
    port: 51_820,
    network: '10.86.0.0/16',
    alternatePorts: [4500, 443, 53],
    interface: 'hw0',
    mtu: 1420,
    open: [],
    checkEverySeconds: 300,
    drills: true,
  })
})

test('what init writes is what is read, with every kind of address', async () => {
  const addresses = ['vps.example.org', '203.0.113.10', '2001:db8::10', '::1']
  const config = { ...v.parse(HubConfigSchema, { addresses }), port: 4711, alternatePorts: [] }
  expect(await reading(hubConfigText(config))).toEqual(config)
})

test('publications are checked as often as the owner wants, not all the time, or never', async () => {
  const checked = async (seconds: number) =>
    (await reading(`addresses: [x.example]\ncheckEverySeconds: ${seconds}`)).checkEverySeconds
  expect([await checked(0), await checked(30), await checked(86_400)]).toEqual([0, 30, 86_400])
})

test('ports of the machine are opened by number and protocol', async () => {
  expect((await reading('addresses: [x.example]\nopen: [53/udp, 8080/tcp]')).open).toEqual([
    { protocol: 'udp', port: 53 },
    { protocol: 'tcp', port: 8080 },
  ])
})

test.each<readonly [string, string, RegExp]>([
  ['checks without a pause', 'addresses: [x.example]\ncheckEverySeconds: 29', /line 2: checkEverySeconds.*0, or 30/],
  ['checks each two days', 'addresses: [x.example]\ncheckEverySeconds: 86401', /line 2: checkEverySeconds.*0, or 30/],
  ['a port to open without its protocol', 'addresses: [x.example]\nopen: [53]', /line 2: open/],
  ['a range to open', 'addresses: [x.example]\nopen:\n  - 53/udp\n  - 80-90/tcp', /line 4: open.*53\/udp or 8080\/tcp/],
  ['a port that is none', 'addresses: [x.example]\nport: 70000', /line 2: port/],
  ['a port in words', 'addresses: [x.example]\n\nport: many', /line 3: port must be number/],
  ['a network without a length', 'addresses: [x.example]\nnetwork: 10.86.0.0', /line 2: network.*prefix/],
  ['a network too small for anybody', 'addresses: [x.example]\nnetwork: 10.86.0.0/30', /line 2: network.*\/8 to \/29/],
  ['an interface nobody could type', 'addresses: [x.example]\ninterface: "hw0; reboot"', /line 2: interface/],
  ['an address with a scheme', 'addresses: ["https://x.example"]', /line 1: addresses/],
  ['a setting that does not exist', 'addresses: [x.example]\nprot: 51820', /line 2: .*prot/],
  ['no address at all', 'addresses: []', /line 1: addresses/],
  ['no YAML', 'addresses: [x.example', /line \d/],
])('%s is named with its line', async (_what, text, why) => {
  await expect(reading(text)).rejects.toMatchObject({
    code: 'config-invalid',
    why: expect.stringMatching(why) as string,
  })
})

test('no file means that there is no hub yet', async () => {
  await expect(readHubConfig(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'hub-not-initialised' })
})
