import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ledPorts } from '../../../hub/core/led-ports.ts'
import { MOST_PUBLISHED_PORTS, portCount, type Publication, rangeText } from '../../../protocol/publications.ts'

const publication = (text: string, more: Partial<Publication> = {}): Publication => {
  const [ports = '', protocol] = text.split('/')
  const [port = 0, lastPort = port] = ports.split('-').map(Number)
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    port,
    lastPort,
    address: '192.168.1.20',
    targetPort: port,
    source: 'hide',
    home: 'cabin',
    addedAt: '2026-11-23T10:00:00.000Z',
    ...more,
  }
}
const saidOf = (publications: readonly Publication[], ssh?: ReadonlySet<number>) => {
  const { ports, withheld } = ledPorts(publications, ssh)
  const said = [...withheld].flatMap(([, ranges]) => ranges.map((range) => `${rangeText(range)} ${range.code}`))
  return { count: ports.length, said }
}

describe('what a store of an older hub holds', () => {
  test('is cut to what a hub leads: the small ones stay, the largest leads with its lower ports', () => {
    const all = [publication('1-51819/tcp'), publication('60000/tcp'), publication('60000-60100/udp')]
    expect(saidOf(all)).toEqual({
      count: MOST_PUBLISHED_PORTS,
      // 22 is none of those that count.
      said: ['22/tcp port-taken', `${MOST_PUBLISHED_PORTS - 102 + 2}-51819/tcp publications-full`],
    })
  })

  test('of equals the older one stays', () => {
    const old = publication('30000-39999/tcp', { addedAt: '2026-11-01T10:00:00.000Z' })
    const recent = publication('10000-19999/tcp')
    expect(saidOf([recent, old])).toEqual({ count: 12_000, said: ['12000-19999/tcp publications-full'] })
  })

  test('yields where ssh was seen, and over TCP alone', () => {
    expect(saidOf([publication('2220-2224/tcp'), publication('2222/udp')], new Set([22, 2222, 2224]))).toEqual({
      count: 4,
      said: ['2222/tcp port-taken', '2224/tcp port-taken'],
    })
    expect(saidOf([publication('22/tcp')])).toEqual({ count: 0, said: ['22/tcp port-taken'] })
  })
})

test('each port is either led or withheld, and never are more led than a hub leads', () => {
  const range = fc
    .tuple(fc.constantFrom('tcp', 'udp'), fc.integer({ min: 1, max: 65_535 }), fc.nat(15_000))
    .map(([protocol, port, more]) => publication(`${port}-${Math.min(65_535, port + more)}/${protocol}`))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 4 }), fc.uniqueArray(fc.integer({ min: 1, max: 65_535 })), (all, ssh) => {
      const { ports, withheld } = ledPorts(all, new Set(ssh))
      expect(ports.length).toBeLessThanOrEqual(MOST_PUBLISHED_PORTS)
      expect(ports.length + portCount([...withheld.values()].flat())).toBe(portCount(all))
      expect(ports.some(({ protocol, port }) => protocol === 'tcp' && ssh.includes(port))).toBe(false)
    }),
    { numRuns: 30 },
  )
})
