import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import type { Row } from '../../../adapters/mikrotik/api/session.ts'
import { type Found, toObservation } from '../../../adapters/mikrotik/convert.ts'
import { handshakeTimes } from '../../../adapters/mikrotik/handshake-times.ts'

const KEY = `${'A'.repeat(43)}=`
const HUB = `${'B'.repeat(42)}A=`
const NOTHING: Found = {
  interface: [],
  peer: [],
  address: [],
  route: [],
  filter: [],
  nat: [],
  mangle: [],
  links: [],
  raw: { rules: [], members: [], lists: [] },
  settings: {},
}

const OWN: Row = {
  '.id': '*7',
  name: 'hw0',
  mtu: '1420',
  'listen-port': '51000',
  'public-key': KEY,
  running: 'true',
  disabled: 'false',
  comment: 'homeward hw0',
}

test('tells the networks that the router is on, ours and what is turned off apart, and those of its routes', () => {
  const address = (interfaceName: string, text: string, more: Row = {}): Row => ({
    '.id': '*1',
    interface: interfaceName,
    address: text,
    disabled: 'false',
    ...more,
  })
  const { networks } = toObservation(
    {
      ...NOTHING,
      interface: [OWN],
      address: [
        address('bridge', '192.168.88.1/24'),
        address('guests', '192.168.99.1/24', { disabled: 'true' }),
        address('hw0', '10.86.0.2/16', { comment: 'homeward hw0' }),
      ],
      route: [{ '.id': '*2', 'dst-address': '192.168.77.0/24', gateway: '192.168.88.9', disabled: 'false' }],
    },
    () => null,
  )
  expect(networks).toEqual([
    { interface: 'bridge', prefix: '192.168.88.0/24' },
    { interface: null, prefix: '192.168.88.0/24' },
    { interface: null, prefix: '192.168.77.0/24' },
  ])
})

/** As versions answer for one and the same peer: absent, empty, zero; durations in any spelling. */
const PEERS: Readonly<Record<string, Row>> = {
  '7.12, never heard from': {
    interface: 'hw0',
    'public-key': HUB,
    'endpoint-address': '203.0.113.10',
    'endpoint-port': '51820',
    'allowed-address': '10.86.0.0/16',
    'persistent-keepalive': '25s',
    rx: '0',
    tx: '296',
    comment: 'homeward hw0',
  },
  '7.16, with a name, not resolved yet': {
    interface: 'hw0',
    name: 'homeward-hw0',
    'public-key': HUB,
    'endpoint-address': '203.0.113.10',
    'endpoint-port': '51820',
    'current-endpoint-address': '',
    'current-endpoint-port': '0',
    'allowed-address': '10.86.0.0/16',
    'persistent-keepalive': '00:00:25',
    rx: '0',
    tx: '296',
    dynamic: 'false',
    disabled: 'false',
    comment: 'homeward hw0',
  },
  '7.21, at work': {
    interface: 'hw0',
    'public-key': HUB,
    'endpoint-address': 'hub.example.net',
    'endpoint-port': '51820',
    'current-endpoint-address': '203.0.113.10',
    'current-endpoint-port': '51820',
    'allowed-address': '10.86.0.0/16',
    'persistent-keepalive': '25s',
    rx: '0',
    tx: '296',
    disabled: 'false',
    comment: 'homeward hw0',
  },
}

const observe = (found: Partial<Found>) => toObservation({ ...NOTHING, ...found }, () => null)

test.each(Object.keys(PEERS))('a peer is read alike from each version: %s', (which) => {
  expect(observe({ interface: [OWN], peer: [PEERS[which]!] }).interfaces[0]?.peers).toEqual([
    {
      publicKey: HUB,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      lastHandshakeAt: null,
      rxBytes: 0,
      txBytes: 296,
      keepaliveSeconds: 25,
    },
  ])
})

test('an interface without a number where one belongs is not taken for one', () => {
  const { 'listen-port': _port, ...rest } = OWN
  expect(() => observe({ interface: [rest] })).toThrow('listen-port')
})

describe('what is somebody else’s', () => {
  test('is not seen, whatever its comment begins with', () => {
    const row = { comment: 'homeward bound', interface: 'wg-office', name: 'wg-office' }
    const observed = observe({
      interface: [{ ...OWN, name: 'wg-office', comment: 'homeward bound' }],
      peer: [{ ...row, 'public-key': HUB }],
      address: [{ comment: 'homeward hw0 mine', interface: 'bridge', address: '192.168.1.1/24' }],
      route: [{ comment: 'homeward hw0 by hand', 'dst-address': '192.0.2.0/24' }],
      filter: [{ '.id': '*1', chain: 'input', action: 'drop', comment: 'homeward hw0 my own rule' }],
    })
    expect(observed).toMatchObject({
      interfaces: [],
      remains: [],
      firewall: null,
      clashes: [],
      lostNames: [],
    })
  })

  test('is not seen when the router made it by itself', () => {
    const observed = observe({
      interface: [OWN],
      peer: [{ ...PEERS['7.12, never heard from'], dynamic: 'true' }],
      filter: [{ chain: 'forward', action: 'accept', dynamic: 'true', comment: 'homeward hw0 forward-drop' }],
    })
    expect(observed.interfaces[0]?.peers).toEqual([])
    expect(observed.firewall).toBeNull()
  })

  test('has its names, of whatever kind it is', () => {
    expect(observe({ links: [{ name: 'hw0', type: 'bridge' }] }).foreignInterfaces).toEqual(['hw0'])
    expect(observe({ interface: [{ ...OWN, comment: '' }] }).foreignInterfaces).toEqual(['hw0'])
  })
})

describe('an interface that its owner renamed is ours', () => {
  const row = { ...OWN, name: 'vpn', comment: 'homeward home0' }
  const peer = { ...PEERS['7.12, never heard from']!, interface: 'vpn', comment: 'homeward home0' }

  test.each<[string, Partial<Found>]>([
    ['with a name that homeward gives', { interface: [{ ...row, comment: 'homeward hw3' }] }],
    ['with a rule', { interface: [row], filter: [{ chain: 'forward', comment: 'homeward home0 forward-drop' }] }],
    ['with a peer by its name', { interface: [row], peer: [{ ...peer, name: 'homeward-home0' }] }],
  ])('%s', (_, found) => {
    expect(observe(found)).toMatchObject({ interfaces: [], lostNames: [expect.stringMatching(/^(?:hw3|home0)$/)] })
  })

  test('and not by words that its owner could have written', () => {
    expect(observe({ interface: [row], peer: [{ ...peer, name: 'bound' }] }).lostNames).toEqual([])
  })
})

test('what is left of an interface that is gone is to be cleared', () => {
  const observed = observe({ address: [{ address: '10.86.0.2/16', interface: '*7', comment: 'homeward hw0' }] })
  expect(observed).toMatchObject({ interfaces: [], remains: ['hw0'] })
})

describe('an address is cut off', () => {
  const address = { address: '10.86.0.2/16', interface: 'hw0', comment: 'homeward hw0' }
  test.each([
    ['switched off', { disabled: 'true' }],
    ['invalid', { invalid: 'true' }],
    ['on another interface', { interface: 'bridge' }],
  ])('%s', (_, what) => {
    expect(observe({ interface: [OWN], address: [{ ...address, ...what }] }).interfaces[0]).toMatchObject({
      addresses: ['10.86.0.2/16'],
      cutOff: ['10.86.0.2/16'],
    })
  })

  test('and not when it is none of these', () => {
    expect(observe({ interface: [OWN], address: [address] }).interfaces[0]?.cutOff).toEqual([])
  })
})

describe('a handshake', () => {
  const start = 1_800_000_000_000
  const at = (milliseconds: number, wall = start + milliseconds) => ({
    now: () => milliseconds,
    wall: () => new Date(wall),
  })

  test('stands still while it is the same one, however its age is rounded and the answer delayed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ afterMs: fc.nat(100_000), delayMs: fc.nat(900) }), { minLength: 2, maxLength: 20 }),
        (looks) => {
          let moment = at(0)
          const times = handshakeTimes({ now: () => moment.now(), wall: () => moment.wall() })
          const seen = looks.map(({ afterMs, delayMs }) => {
            moment = at(afterMs + delayMs)
            return times(HUB, Math.floor(afterMs / 1_000))
          })
          expect(new Set(seen).size).toBe(1)
        },
      ),
    )
  })

  test('is a new one when it is younger', () => {
    let moment = at(10_000)
    const times = handshakeTimes({ now: () => moment.now(), wall: () => moment.wall() })
    expect(times(HUB, 4)).toBe(start / 1_000 + 6)
    moment = at(20_000)
    expect(times(HUB, 3)).toBe(start / 1_000 + 17)
    expect(times(HUB, null)).toBeNull()
  })

  test('is the same after the wall clock stepped', () => {
    let moment = at(10_000)
    const times = handshakeTimes({ now: () => moment.now(), wall: () => moment.wall() })
    const before = times(HUB, 4)
    moment = at(12_000, start + 9_000_000)
    expect(times(HUB, 6)).toBe(before)
  })
})
