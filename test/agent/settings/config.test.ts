import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentConfigText } from '../../../agent/settings/config-text.ts'
import { readAgentConfig, tunnelsOf } from '../../../agent/settings/config.ts'
import { sampleConfig, sampleRouter } from '../sample-config.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

const written = async (change: (text: string) => string) => {
  await writeFile(join(folder, 'agent.yaml'), change(agentConfigText(sampleConfig)))
  return await readAgentConfig(folder)
}

describe('agent.yaml', () => {
  test('what join wrote is read back', async () => {
    expect(await written((text) => text)).toEqual(sampleConfig)
  })

  test('none means that this machine has not joined', async () => {
    await expect(readAgentConfig(folder)).rejects.toMatchObject({
      code: 'config-missing',
      next: expect.stringContaining('homeward join'),
    })
  })

  test('none while a join with a router was cut off, or its undoing, says how to end that', async () => {
    await writeFile(join(folder, 'router.password'), 'word\n', { mode: 0o600 })
    await expect(readAgentConfig(folder)).rejects.toMatchObject({
      code: 'config-missing',
      why: expect.stringContaining('was cut off'),
      next: expect.stringMatching(/homeward join again.*homeward leave/),
    })
    await writeFile(join(folder, 'agent.yaml.leaving'), '')
    await expect(readAgentConfig(folder)).rejects.toMatchObject({
      code: 'config-missing',
      why: expect.stringContaining('did not end that'),
      next: expect.stringContaining('homeward leave'),
    })
  })

  test.each([
    ['mtu: 1420', 'mtu: big', 'mtu must be number, but is "big"'],
    ['mtu: 1420', 'mtu: 100', 'mtu must be >=576, but is 100'],
    ['mode: masquerade', 'mode: bridge', 'lan.mode must be ("masquerade" | "routed"), but is "bridge"'],
    ['kind: linux', 'kind: toaster', 'router.kind must be ("linux" | "mikrotik" | "openwrt"), but is "toaster"'],
    ['heartbeatSeconds: 5', 'heartbeatSeconds: [5]', 'heartbeatSeconds must be number, but is Array'],
    [
      '- 192.168.1.0/24',
      '- 192.168.1.0/240',
      'lan.prefixes.0: expected an IPv4 prefix such as 192.168.1.0/24, but is "192.168.1.0/240"',
    ],
    ['economy: false', 'economy: sometimes', 'economy must be boolean, but is "sometimes"'],
    ['- 1.1.1.1:443', '- one.one.one.one:443', 'beacons.0: expected an address and a port such as 1.1.1.1:443'],
    [
      'rotateKeys: null',
      'rotateKeys: 0 4 1 *',
      'rotateKeys: expected a cron expression such as 0 4 1 * * (Too few fields)',
    ],
    ['rotateKeys: null', 'rotateKeys: 0 4 30 2 *', 'no such day in the next eight years'],
    ['rotateKeys: null', 'rotateKeys: 0 25 * * *', 'out of range'],
    ['interface: hw0', 'interface: ../etc', 'interface: expected 1 to 15'],
    ['home: cabin', 'home: "ca;bin"', 'home: use 1 to 32'],
    ['mtu: 1420', '# mtu: 1420', 'mtu is missing'],
    ['home: cabin', 'home: cabin\nhoem: cabin', 'hoem is not a setting'],
  ])('%s made %s is refused with path, line and what is accepted', async (from, to, why) => {
    const text = agentConfigText(sampleConfig)
    const line = text.slice(0, text.indexOf(from)).split('\n').length
    const refused = written((text) => text.replace(from, to))
    await expect(refused).rejects.toMatchObject({
      code: 'config-invalid',
      what: `reading ${join(folder, 'agent.yaml')}`,
    })
    await expect(refused).rejects.toThrow(why)
    // A key too many stands on the next line; where one is missing, the whole file is meant.
    const nearby = why.endsWith('is missing') ? '\\d+' : `(${line}|${line + 1})`
    await expect(refused).rejects.toThrow(new RegExp(`line ${nearby}:`))
  })

  test('a list where settings belong is refused, empty or not: it would be a LAN that nobody reaches', async () => {
    for (const list of ['[]', '[192.168.1.0/24]']) {
      const refused = written((text) => text.replace(/^lan:\n(?: .*\n)+/m, `lan: ${list}\n`))
      await expect(refused).rejects.toMatchObject({ code: 'config-invalid' })
      await expect(refused).rejects.toThrow(
        list === '[]' ? 'lan must have settings of its own' : 'lan.0 is not a setting',
      )
    }
  })

  test('more networks than a hub takes are told in numbers', async () => {
    const many = Array.from({ length: 33 }, (_, index) => `- 10.0.${index}.0/24`).join('\n    ')
    await expect(written((text) => text.replace('- 192.168.1.0/24', many))).rejects.toThrow(
      'lan.prefixes has 33 entries, and 32 are the most',
    )
  })

  test('the tunnel of a router cannot be given a key by schedule', async () => {
    const routed = agentConfigText({ ...sampleConfig, router: sampleRouter })
    expect(await written(() => routed)).toEqual({ ...sampleConfig, router: sampleRouter })
    const rotating = written(() => routed.replace('rotateKeys: null', 'rotateKeys: 0 4 1 * *'))
    await expect(rotating).rejects.toThrow('rotateKeys: expected null, since the router makes its own key')
  })

  test('what may be left out is defaulted', async () => {
    const less = await written((text) =>
      text
        .replace(/^(?:heartbeatSeconds|keepaliveSeconds|interface): .*\n/gm, '')
        .replace(/^(?:economy|rotateKeys): .*\n/gm, '')
        .replace(/^beacons:\n(?: {2}- .*\n)+/m, '')
        .replace(/^router:\n {2}kind: linux\n/m, ''),
    )
    expect(less).toEqual(sampleConfig)
  })

  test('broken YAML names its line', async () => {
    await expect(written((text) => text.replace('mtu: 1420', 'mtu: [1420'))).rejects.toMatchObject({
      code: 'config-invalid',
      why: expect.stringMatching(/^line \d+: /),
    })
  })
})

test('a home with two hubs has a tunnel to the first one, with all that the home wants of it', () => {
  const { hubs, ...home } = sampleConfig
  const second = { ...hubs[0]!, addresses: ['hub.example.net'] }
  expect(tunnelsOf({ ...sampleConfig, hubs: [...hubs, second] })).toEqual([{ ...home, hub: hubs[0] }])
})
