import { expect, test } from 'vitest'
import type { PacketFate } from '../../../../adapters/packet-fate.ts'
import { culpritOf } from '../../../../agent/membership/proof/culprit.ts'
import {
  DELIVERED,
  fate,
  HOME,
  HUB,
  hops,
  LAST,
  NOTHING,
  PROVIDER,
  ROUTER,
  rule,
  SENDS,
  UNKNOWABLE,
  UNKNOWN,
  UNSEEN,
  VPS,
} from './situations.ts'

const CASES = [...PROVIDER, ...VPS, ...HOME, ...UNKNOWABLE, ...UNSEEN].map(([name, who, evidence, said = /./]) => ({
  name,
  who,
  evidence,
  said,
}))

test.each(CASES)('$name: $who', ({ who, evidence, said }) => {
  const named = culpritOf(evidence)
  expect(named).toMatchObject({ who, said: expect.stringMatching(said) as string })
  // The provider's firewall is the one to open where nothing came to the VPS, counted there, and the way was seen.
  const { hub, lookalikes } = evidence
  const missed = lookalikes === null ? hub?.datagrams : hub?.handshakes
  if (named.who === 'provider') expect(missed).toMatchObject({ arrived: 0, end: 'nothing-arrived' })
})

test('whoever it is is named wherever that can be known', () => {
  const named = (of: typeof VPS) => [...new Set(of.map(([, , evidence]) => culpritOf(evidence).who))].sort()
  expect([PROVIDER, VPS, HOME].map(named)).toEqual([['provider'], ['vps'], ['home', 'hub', 'line']])
})

test('what is answered shows the last router only where the hub saw it come with a TTL of 1', () => {
  for (const expiring of [undefined, null, false, true])
    expect(culpritOf({ ...SENDS, hops: hops(LAST), hub: { ...SENDS.hub!, expiring } }).who).toBe(
      expiring === true ? 'provider' : 'between',
    )
})

/** Each end of each packet with each: whatever was not seen accuses nobody. */
const ENDS: readonly PacketFate[] = [
  UNKNOWN,
  NOTHING,
  DELIVERED,
  fate('lost'),
  fate('dropped', rule('ip t', 'c', 'drop')),
  fate('led-away', rule('ip t', 'c', 'dnat to 10.0.0.2')),
]

test('of what looks like handshakes, nobody is named where it comes, or where other datagrams were not seen to', () => {
  const last = hops(LAST)
  for (const datagrams of ENDS)
    for (const handshakes of ENDS)
      for (const lookalikes of [null, 'come', last, hops(ROUTER, { number: 2, address: '100.64.1.1' })] as const) {
        const { who } = culpritOf({ ...SENDS, lookalikes, hub: { ...HUB, datagrams, handshakes } })
        const isMissed = datagrams.end === 'delivered' && handshakes.end === 'nothing-arrived'
        if (who === 'provider') expect([isMissed, lookalikes]).toEqual([true, last])
        if (who === 'line') expect([isMissed, typeof lookalikes]).toEqual([true, 'object'])
        if (isMissed && lookalikes === 'come') expect(who).toBe('unknown')
      }
})

test('whatever the evidence, the provider is named only where nothing arrived, and the VPS only with what stopped it', () => {
  const ways = [null, hops(LAST), hops(ROUTER, { number: 2, address: '100.64.1.1' })]
  for (const datagrams of ENDS)
    for (const handshakes of ENDS)
      for (const answers of [null, ...ENDS])
        for (const others of [null, true, false])
          for (const way of ways)
            for (const home of [
              null,
              { handshakes: DELIVERED, answers: NOTHING },
              { handshakes: NOTHING, answers: UNKNOWN },
            ]) {
              const evidence = {
                ...SENDS,
                home,
                hops: way,
                hub: { datagrams, handshakes, answers, others, expiring: others },
              }
              const { who, said, next } = culpritOf(evidence)
              if (who === 'provider') expect([datagrams.end, way?.datagrams]).toEqual(['nothing-arrived', LAST])
              if (who === 'vps') expect(said).toMatch(/table ip t|rp_filter/)
              if (who === 'line') expect(datagrams.end).toBe('nothing-arrived')
              if (who === 'vps' || who === 'home' || who === 'hub') expect(`${said} ${next}`).not.toContain('provider')
              if (datagrams.end === 'unknown') expect(who).not.toMatch(/provider|line/)
            }
})

test('nobody is named, the provider least of all, where nothing was seen', () => {
  for (const [, who, evidence] of UNSEEN) {
    const { said, next } = culpritOf(evidence)
    if (who === 'unknown') expect(`${said} ${next}`).not.toMatch(/provider/)
  }
})

test('words of the hub stay words: they end no quote and begin no line', () => {
  const nasty = fate('dropped', rule('ip x\nrun this', 'c"', 'drop" \u001b[31m\nrm -rf /'))
  const { said, next } = culpritOf({ ...SENDS, hub: { ...HUB, datagrams: nasty } })
  for (const character of ['\n', '\u001b']) expect(said).not.toContain(character)
  expect(next).not.toContain('rm -rf')
})
