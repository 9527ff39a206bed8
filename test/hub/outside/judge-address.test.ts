import { expect, test } from 'vitest'
import type { StunRound } from '../../../hub/outside/ask-stun.ts'
import { judgeAddress } from '../../../hub/outside/judge-address.ts'

const PORT = 40_000
const LOCAL = '10.0.0.5'

type Seen = readonly [string, number] | null

/** A round in which servers saw `ADDRESS PORT`; null: no answer. */
function round(...seen: readonly Seen[]): StunRound {
  const answers = seen.map((one, index) => ({
    server: { host: `stun${index + 1}.example`, port: 3478 },
    mapped: one === null ? null : { address: one[0], port: one[1] },
    why: one === null ? 'no answer' : '',
  }))
  return { localPort: PORT, answers }
}
const judge = (local: string, ...seen: readonly Seen[]) => judgeAddress(local, [local, '127.0.0.1'], round(...seen))

test('an address of the internet that all see, with the port kept, is most likely mapped here', () => {
  expect(judge(LOCAL, ['203.0.113.10', PORT], ['203.0.113.10', PORT])).toEqual({
    kind: 'mapped',
    address: '203.0.113.10',
    local: LOCAL,
    seenBy: ['stun1.example', 'stun2.example'],
    silent: [],
    maybeCarrier: false,
  })
})

test('who did not answer is said', () => {
  expect(judge(LOCAL, ['203.0.113.10', PORT], null)).toMatchObject({ kind: 'mapped', silent: ['stun2.example'] })
})

test('behind an address of the carriers’ range it is said that it may be a carrier’s NAT', () => {
  expect(judge('100.64.7.2', ['203.0.113.10', PORT])).toMatchObject({ kind: 'mapped', maybeCarrier: true })
  expect(judge('100.128.7.2', ['203.0.113.10', PORT])).toMatchObject({ maybeCarrier: false })
})

test('an address that this machine has is its own, over either family', () => {
  expect(judge('2001:db8::5', ['2001:db8::5', PORT])).toEqual({ kind: 'own', address: '2001:db8::5' })
})

test.each([
  [
    'servers disagree',
    [
      ['203.0.113.10', PORT],
      ['203.0.113.11', PORT],
    ],
    'the servers disagree',
  ],
  [
    'each destination gets another port',
    [
      ['203.0.113.10', 1024],
      ['203.0.113.10', 1025],
    ],
    'a symmetric NAT',
  ],
  [
    'the port was changed',
    [
      ['203.0.113.10', 1024],
      ['203.0.113.10', 1024],
    ],
    'a NAT that changes ports',
  ],
  ['what is seen is private', [['192.168.1.4', PORT], null], '192.168.1.4 is not an address of the internet'],
  ['a liar sees loopback', [['127.0.0.1', PORT], null], '127.0.0.1 is not an address of the internet'],
] as const)('where %s no address is proposed', (_what, seen, why) => {
  const judged = judge(LOCAL, ...seen)
  expect(judged.kind).toBe('unusable')
  expect(judged).toHaveProperty('why', expect.stringContaining(why))
})

test('nobody’s answer is no address, with the reason of each', () => {
  expect(judge(LOCAL, null, null)).toEqual({
    kind: 'unknown',
    local: LOCAL,
    why: 'no STUN server said how it sees this machine (stun1.example:3478: no answer; stun2.example:3478: no answer)',
  })
  expect(judge(LOCAL)).toMatchObject({ kind: 'unknown', why: 'no STUN server was asked' })
})
