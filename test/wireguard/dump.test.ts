import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { type InterfaceState, parseDump, type PeerState } from '../../wireguard/dump.ts'
import { presharedKeyFrom, type PresharedKey, type PublicKey } from '../../wireguard/keys.ts'
import { presharedKeyId } from '../../wireguard/preshared-id.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(presharedKeyFrom)
const SECRET = presharedKeyFrom(new Uint8Array(32).fill(7))
const PUBLIC = presharedKeyFrom(new Uint8Array(32).fill(9)) as string as PublicKey

/** A dump and what it says, for an interface with any peers. */
interface Sample {
  readonly text: string
  readonly state: InterfaceState
}

const peer = fc
  .record({
    publicKey: key,
    preshared: fc.option(key),
    endpoint: fc.option(
      fc.record({
        address: fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::7', 'fe80::1%eth0', '::1')),
        port: fc.integer({ min: 1, max: 65_535 }),
      }),
    ),
    allowedIps: fc.subarray(['10.86.0.2/32', '192.168.1.0/24', 'fd00::/64', '0.0.0.0/0']),
    lastHandshakeAt: fc.option(fc.integer({ min: 1, max: 2 ** 33 })),
    rxBytes: fc.maxSafeNat(),
    txBytes: fc.maxSafeNat(),
    keepaliveSeconds: fc.integer({ min: 0, max: 65_535 }),
  })
  .map(({ publicKey, preshared, ...rest }): { readonly line: string; readonly state: PeerState } => ({
    line: [
      publicKey,
      preshared ?? '(none)',
      rest.endpoint === null ? '(none)' : formatEndpoint(rest.endpoint),
      rest.allowedIps.join(',') || '(none)',
      rest.lastHandshakeAt ?? 0,
      rest.rxBytes,
      rest.txBytes,
      rest.keepaliveSeconds === 0 ? 'off' : rest.keepaliveSeconds,
    ].join('\t'),
    state: {
      ...rest,
      publicKey: publicKey as string as PublicKey,
      presharedKeyId: preshared === null ? null : presharedKeyId(preshared),
    },
  }))

const sample: fc.Arbitrary<Sample> = fc
  .record({
    keys: fc.option(fc.tuple(key, key)),
    listenPort: fc.nat(65_535),
    fwmark: fc.nat(2 ** 32 - 1),
    peers: fc.array(peer, { maxLength: 6 }),
  })
  .map(({ keys, listenPort, fwmark, peers }) => {
    const [privateKey, publicKey] = keys ?? ['(none)', '(none)']
    const first = [privateKey, publicKey, listenPort, fwmark === 0 ? 'off' : `0x${fwmark.toString(16)}`].join('\t')
    return {
      text: `${[first, ...peers.map(({ line }) => line)].join('\n')}\n`,
      state: {
        publicKey: keys === null ? null : (publicKey as PublicKey),
        listenPort,
        fwmark,
        peers: peers.map(({ state }) => state),
      },
    }
  })

describe('a dump', () => {
  test('says what the interface and its peers are', () => {
    fc.assert(
      fc.property(sample, ({ text, state }) => {
        expect(parseDump(text)).toEqual(state)
      }),
    )
  })

  test('of an interface nobody has configured, as wireguard-go prints it', () => {
    expect(parseDump('(none)\t(none)\t39578\toff\n')).toEqual({
      publicKey: null,
      listenPort: 39_578,
      fwmark: 0,
      peers: [],
    })
  })

  test('with a peer that has never been heard, and one that roams by IPv6', () => {
    const lines = [
      `${SECRET}\t${PUBLIC}\t51820\t0xca6c`,
      `${PUBLIC}\t(none)\t(none)\t(none)\t0\t0\t0\toff`,
      `${PUBLIC}\t${SECRET}\t[2001:db8::7]:4500\t10.86.0.5/32,10.86.0.6/32\t1795305600\t123\t456\t25`,
    ]
    expect(parseDump(lines.join('\n'))).toEqual({
      publicKey: PUBLIC,
      listenPort: 51_820,
      fwmark: 51_820,
      peers: [
        {
          publicKey: PUBLIC,
          presharedKeyId: null,
          endpoint: null,
          allowedIps: [],
          lastHandshakeAt: null,
          rxBytes: 0,
          txBytes: 0,
          keepaliveSeconds: 0,
        },
        {
          publicKey: PUBLIC,
          presharedKeyId: presharedKeyId(SECRET),
          endpoint: { address: '2001:db8::7', port: 4500 },
          allowedIps: ['10.86.0.5/32', '10.86.0.6/32'],
          lastHandshakeAt: 1_795_305_600,
          rxBytes: 123,
          txBytes: 456,
          keepaliveSeconds: 25,
        },
      ],
    })
  })

  test('holds no secret once it is parsed', () => {
    fc.assert(
      fc.property(sample, ({ text }) => {
        const parsed = JSON.stringify(parseDump(text))
        for (const secret of secretsIn(text)) expect(parsed).not.toContain(secret)
      }),
    )
  })

  test('that is broken anywhere is refused, and the error does not tell its secrets', () => {
    const cut = fc.tuple(sample, fc.nat(), fc.constantFrom('', '\t', 'x', '\n')).map(([{ text }, at, put]) => {
      const index = at % text.length
      return { text, broken: text.slice(0, index) + put + text.slice(index + 1) }
    })
    fc.assert(
      fc.property(cut, ({ text, broken }) => {
        try {
          parseDump(broken)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SyntaxError)
          for (const secret of secretsIn(text)) expect(String(thrown)).not.toContain(secret.slice(0, 20))
        }
      }),
      { numRuns: 500 },
    )
  })

  const first = `${SECRET}\t${PUBLIC}\t1\toff\n`
  test.each([
    ['nothing', '', 'wg dump is empty'],
    ['a sentence', 'Unable to access interface: No such device\n', 'wg dump line 1 has 1 columns, expected 4'],
    ['no port', `${SECRET}\t${PUBLIC}\tmany\toff\n`, 'wg dump line 1 has no number for listen port'],
    ['no mark', `${SECRET}\t${PUBLIC}\t1\tmaybe\n`, 'wg dump line 1 has no number for fwmark'],
    ['half a peer', `${first}${PUBLIC}\t(none)\n`, 'wg dump line 2 has 2 columns, expected 8'],
    [
      'a peer without a key',
      `${first}nokey\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`,
      'wg dump line 2 has no public key in column 1',
    ],
    [
      'a peer with half a preshared key',
      `${first}${PUBLIC}\t${SECRET.slice(1)}\t(none)\t(none)\t0\t0\t0\toff\n`,
      'wg dump line 2 has no preshared key in column 2',
    ],
  ])('of %s is refused with the line and what is wrong with it', (_, text, message) => {
    expect(() => parseDump(text)).toThrow(new SyntaxError(message))
  })
})

/** The private key and the preshared keys. */
function secretsIn(text: string): readonly PresharedKey[] {
  const [first = '', ...rest] = text.split('\n').map((line) => line.split('\t'))
  return [first[0], ...rest.map((columns) => columns[1])].filter(
    (secret): secret is PresharedKey => secret !== undefined && secret.length === 44,
  )
}
