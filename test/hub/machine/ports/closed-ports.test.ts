import { expect, test } from 'vitest'
import { closedNotes, closedPortsAsked } from '../../../../hub/machine/ports/closed-ports.ts'

/** As nft 1.0.6 prints it. */
const listing = (...elements: readonly (readonly [string, number])[]) =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      {
        set: {
          family: 'inet',
          name: 'closed_asked',
          elem: elements.map((concat) => ({ elem: { val: { concat }, timeout: 86_400, expires: 86_000 } })),
        },
      },
    ],
  })

test('what was asked for is read, and nothing where the firewall says nothing of use', async () => {
  expect(await closedPortsAsked(async () => listing(['tcp', 80], ['udp', 53], ['sctp', 9]))).toEqual([
    { protocol: 'tcp', port: 80 },
    { protocol: 'udp', port: 53 },
  ])
  expect(await closedPortsAsked(async () => listing())).toEqual([])
  expect(await closedPortsAsked(async () => 'no JSON')).toEqual([])
  expect(await closedPortsAsked(() => Promise.reject(new Error('no nft')))).toEqual([])
})

test('only ports where a program listens are named: a scan is no wish', () => {
  const asked = [
    { protocol: 'udp', port: 53 },
    { protocol: 'tcp', port: 53 },
    { protocol: 'tcp', port: 81 },
  ] as const
  const served = { tcp: new Set([53, 80]), udp: new Set([53]) }
  expect(closedNotes(asked, served)).toEqual([
    expect.stringMatching(
      /^homes or devices asked this machine for 53\/tcp, 53\/udp .* for example open: \[53\/tcp\]$/,
    ),
  ])
  expect(closedNotes([{ protocol: 'tcp', port: 81 }], served)).toEqual([])
})
