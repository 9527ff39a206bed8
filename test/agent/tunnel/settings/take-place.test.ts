import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalNetworks } from '../../../../agent/lan/local-networks.ts'
import { type Place, readPlace } from '../../../../agent/settings/place.ts'
import { makePlaceTaker } from '../../../../agent/tunnel/settings/take-place.ts'
import { makeSettings } from '../../../../agent/tunnel/settings/settings.ts'
import { whyNoPlace } from '../../../../agent/lan/why-no-place.ts'
import { captureLog } from '../../../hub/captured-log.ts'
import { sampleTunnel } from '../../sample-config.ts'

/** A home at 192.168.1.0/24 that is behind a carrier's NAT, with a container and a way to another private network. */
const here: Pick<LocalNetworks, 'connected' | 'routed'> = {
  connected: [
    { interface: 'eth0', prefix: '192.168.1.0/24' },
    { interface: 'wan', prefix: '100.64.7.0/24' },
    { interface: 'docker0', prefix: '172.17.0.0/16' },
  ],
  routed: [{ interface: 'eth0', prefix: '10.99.0.0/16', via: '192.168.1.9' }],
}
const place = (network: string, address: string, hubAddress: string): Place => ({ network, address, hubAddress })

test.each([
  place('10.186.0.0/16', '10.186.0.2', '10.186.0.1'),
  place('10.86.0.0/24', '10.86.0.2', '10.86.0.1'),
  place('100.96.0.0/24', '100.96.0.2', '100.96.0.1'),
  // The container’s network is the narrower one: its packets stay with it.
  place('172.16.0.0/12', '172.16.0.2', '172.16.0.1'),
])('a home takes another place that its hub gives it: $network', (given) => {
  expect(whyNoPlace(given, sampleTunnel, here)).toBeNull()
})

describe('a hub that somebody took over', () => {
  test.each([
    [place('0.0.0.0/0', '10.86.0.2', '10.86.0.1'), 'is no network for a tunnel'],
    [place('0.0.0.0/1', '10.86.0.2', '10.86.0.1'), 'is no network for a tunnel'],
    [place('10.86.0.0/30', '10.86.0.2', '10.86.0.1'), 'is no network for a tunnel'],
    [place('8.8.8.0/24', '8.8.8.2', '8.8.8.8'), 'is not private'],
    [place('8.0.0.0/8', '8.8.8.2', '8.8.8.8'), 'is not private'],
    [place('10.186.0.0/16', '10.186.0.2', '10.187.0.1'), 'are not two addresses in'],
    [place('10.186.0.0/16', '192.168.1.2', '10.186.0.1'), 'are not two addresses in'],
    [place('10.186.0.0/16', '10.186.0.1', '10.186.0.1'), 'are not two addresses in'],
    [place('192.168.1.128/25', '192.168.1.129', '192.168.1.130'), 'overlaps 192.168.1.0/24 of the LAN'],
    [place('192.168.0.0/16', '192.168.0.2', '192.168.0.1'), 'overlaps 192.168.1.0/24 of the LAN'],
    [place('100.64.7.0/25', '100.64.7.2', '100.64.7.1'), 'is part of 100.64.7.0/24 on wan'],
    [place('172.17.0.0/16', '172.17.0.2', '172.17.0.1'), 'is part of 172.17.0.0/16 on docker0'],
    [place('10.99.3.0/24', '10.99.3.2', '10.99.3.1'), 'is part of 10.99.0.0/16'],
  ])('draws no packets of a home to itself by the tunnel’s network: %j', (given, why) => {
    expect(whyNoPlace(given, sampleTunnel, here)).toContain(why)
  })
})

describe('the place of a home', () => {
  let stateDir: string
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'homeward-'))
  })
  afterEach(() => rm(stateDir, { recursive: true }))

  function taker() {
    const { log, lines } = captureLog()
    const settings = makeSettings(sampleTunnel, null)
    const happened: string[] = []
    const places = makePlaceTaker({
      stateDir,
      settings,
      localNetworks: async () => here,
      follow: () => happened.push('follow'),
      note: ({ kind }) => happened.push(kind),
      log,
    })
    return { places, settings, happened, lines }
  }

  test('is followed and kept for the next start', async () => {
    const { places, settings, happened } = taker()
    const given = place('10.186.0.0/16', '10.186.0.2', '10.186.0.1')
    await places.take(given)
    expect(settings.current.hub).toMatchObject(given)
    expect(await readPlace(stateDir)).toMatchObject(given)
    expect(happened).toEqual(['place', 'follow'])
    expect(places.warnings()).toEqual([])
  })

  test('stays what it was where it would draw what is not the tunnel’s; told once in the log, and in the status until it is over', async () => {
    const { places, settings, happened, lines } = taker()
    const draws = place('0.0.0.0/0', '10.86.0.2', '10.86.0.1')
    for (let times = 0; times < 3; times += 1) await places.take(draws)
    expect(settings.current.hub).toEqual(sampleTunnel.hub)
    expect(await readdir(stateDir)).toEqual([])
    expect(happened).toEqual([])
    expect(places.warnings()).toEqual([
      expect.stringMatching(
        /^the hub gives .* 0\.0\.0\.0\/0 is no network .* keeps 10\.86\.0\.0\/16 .*taken the hub over$/,
      ),
    ])
    expect(lines).toHaveLength(1)
    await places.take(place('10.186.0.0/16', '10.186.0.2', '10.186.0.1'))
    expect(places.warnings()).toEqual([])
  })
})
