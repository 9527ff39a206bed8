import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { firstForwarded, forwardedPorts, type KeptPorts } from '../../../hub/core/forwarded-ports.ts'
import {
  entryCount,
  MOST_PUBLISHED_ENTRIES,
  portCount,
  type Publication,
  rangeText,
} from '../../../protocol/publications.ts'

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
/** Leads to other numbers: an entry a port. */
const shifted = (text: string, more: Partial<Publication> = {}): Publication => {
  const one = publication(text, more)
  return { ...one, targetPort: one.port - 1 }
}
/** Ports of programs of the hub's machine: ssh, and others as text. */
const keptFor = (ssh: ReadonlySet<number> = new Set([22]), ...listeners: readonly string[]): KeptPorts => ({
  ssh,
  listeners: new Set(listeners),
})
const saidOf = (publications: readonly Publication[], ssh?: ReadonlySet<number>) => {
  const { ports, withheld } = forwardedPorts(publications, keptFor(ssh))
  const said = [...withheld].flatMap(([, ranges]) => ranges.map((range) => `${rangeText(range)} ${range.code}`))
  return { count: ports.length, said }
}

describe('what a store of an older hub holds', () => {
  test('is cut to what a hub leads: the small ones stay, the largest leads with its lower ports', () => {
    const all = [shifted('2-51819/tcp'), publication('60000/tcp'), shifted('60000-60100/udp')]
    expect(saidOf(all)).toEqual({
      count: MOST_PUBLISHED_ENTRIES,
      // 22 is none of those that count.
      said: ['22/tcp port-taken', `${MOST_PUBLISHED_ENTRIES - 102 + 3}-51819/tcp publications-full`],
    })
  })

  test('of equals the older one stays', () => {
    const old = shifted('30000-39999/tcp', { addedAt: '2026-11-01T10:00:00.000Z' })
    const recent = shifted('10000-19999/tcp')
    expect(saidOf([recent, old])).toEqual({ count: 12_000, said: ['12000-19999/tcp publications-full'] })
  })

  test('the small ones first, in whatever order they stand', () => {
    const [large, small] = [shifted('2-51819/tcp'), shifted('60000-60100/udp')]
    const withheld = [`${MOST_PUBLISHED_ENTRIES - 101 + 3}-51819/tcp publications-full`]
    for (const all of [
      [large, small],
      [small, large],
    ])
      expect(saidOf(all).said).toEqual(['22/tcp port-taken', ...withheld])
  })

  test('as it stands there when all of it fits, to the last port', () => {
    const all = [shifted(`30001-${30_000 + MOST_PUBLISHED_ENTRIES - 1}/tcp`), publication('53/udp')]
    const { ports, withheld } = forwardedPorts(all)
    expect([ports.length, ports.at(-1)?.port, withheld.size]).toEqual([MOST_PUBLISHED_ENTRIES, 53, 0])
  })

  test('is cut by whole ranges too, each of their ports being said', () => {
    const others = shifted(`30001-${30_000 + MOST_PUBLISHED_ENTRIES - 1}/tcp`)
    // It has one entry; ssh in the midst of it makes two of that.
    const range = publication('100-120/tcp')
    expect(saidOf([others, range]).said).toEqual([])
    expect(saidOf([others, range], new Set([110])).said).toEqual([
      '110/tcp port-taken',
      '111-120/tcp publications-full',
    ])
  })

  test('says what is withheld and why, range by range', () => {
    const one = publication('2220-2226/tcp')
    const { withheld } = forwardedPorts([one, publication('80/tcp')], keptFor(new Set([2220, 2222, 2223, 2226])))
    const why = 'it is kept for ssh on the hub'
    const range = (port: number, lastPort: number) => ({ protocol: 'tcp', port, lastPort, code: 'port-taken', why })
    expect([...withheld]).toEqual([[one, [range(2220, 2220), range(2222, 2223), range(2226, 2226)]]])
    const most = shifted('20000-32000/udp')
    expect(forwardedPorts([most]).withheld.get(most)).toEqual([
      {
        protocol: 'udp',
        port: 32_000,
        lastPort: 32_000,
        code: 'publications-full',
        why: 'a hub forwards 12000 single ports at most',
      },
    ])
  })

  test('yields where ssh was seen, and over TCP alone', () => {
    expect(saidOf([publication('2220-2224/tcp'), publication('2222/udp')], new Set([22, 2222, 2224]))).toEqual({
      // 2220-2221 and 2223 over TCP, and 2222 over UDP.
      count: 3,
      said: ['2222/tcp port-taken', '2224/tcp port-taken'],
    })
    expect(saidOf([publication('22/tcp')])).toEqual({ count: 0, said: ['22/tcp port-taken'] })
  })
})

test('a port at which another program of the hub listens is left to it, by its protocol alone, in the midst of a range too', () => {
  const [range, udp] = [publication('442-445/tcp'), publication('443/udp')]
  const { ports, withheld } = forwardedPorts([range, udp], keptFor(new Set([22, 445]), '443/tcp', '80/tcp'))
  expect(ports.map(({ protocol, port, lastPort = port }) => [protocol, port, lastPort])).toEqual([
    ['tcp', 442, 442],
    ['tcp', 444, 444],
    ['udp', 443, 443],
  ])
  const taken = (port: number, why: string) => ({ protocol: 'tcp', port, lastPort: port, code: 'port-taken', why })
  expect([...withheld]).toEqual([
    [range, [taken(443, 'a program of the hub listens there since'), taken(445, 'it is kept for ssh on the hub')]],
  ])
})

test('the first port that is led comes behind what is withheld from the beginning on', () => {
  const one = publication('100-200/tcp')
  const range = (port: number, lastPort: number) =>
    ({ protocol: 'tcp', port, lastPort, code: 'port-taken', why: 'it is kept for ssh on the hub' }) as const
  expect(firstForwarded(one, [])).toBe(100)
  expect(firstForwarded(one, [range(101, 200)])).toBe(100)
  expect(firstForwarded(one, [range(100, 199)])).toBe(200)
  expect(firstForwarded(one, [range(100, 200)])).toBeNull()
  // In whatever order they are told.
  expect(firstForwarded(one, [range(111, 120), range(130, 140), range(100, 110)])).toBe(121)
})

test('a range that keeps its numbers is one entry, however many ports it has, and parts around what is withheld', () => {
  const [one, other] = [publication('20001-50000/udp'), publication('20-51819/tcp')]
  expect(entryCount([one, other])).toBe(2)
  const { ports } = forwardedPorts([one, other], keptFor(new Set([22, 2222])))
  expect(ports.map(({ port, lastPort, targetPort }) => [port, lastPort, targetPort])).toEqual([
    [20_001, 50_000, 20_001],
    [20, 21, 20],
    [23, 2221, 23],
    [2223, 51_819, 2223],
  ])
  // A single port is none, whatever is left of a range.
  expect(forwardedPorts([publication('21-22/tcp')]).ports).toEqual([
    { protocol: 'tcp', port: 21, address: '192.168.1.20', targetPort: 21, hidden: true },
  ])
})

test('a port leads to its service, which sees the visitor or the hub', () => {
  const at = (more: Partial<Publication>) =>
    forwardedPorts([publication('443/tcp', { targetPort: 8443, ...more })]).ports
  const led = { protocol: 'tcp', port: 443, address: '192.168.1.20', targetPort: 8443 }
  expect(at({ source: 'hide' })).toEqual([{ ...led, hidden: true }])
  expect(at({ source: 'keep' })).toEqual([{ ...led, hidden: false }])
})

test('each port is either led or withheld, and never are more led than a hub leads', () => {
  const range = fc
    .tuple(fc.constantFrom('tcp', 'udp'), fc.integer({ min: 2, max: 65_535 }), fc.nat(15_000), fc.boolean())
    .map(([protocol, port, more, keeps]) =>
      (keeps ? publication : shifted)(`${port}-${Math.min(65_535, port + more)}/${protocol}`),
    )
  fc.assert(
    fc.property(fc.array(range, { maxLength: 4 }), fc.uniqueArray(fc.integer({ min: 1, max: 65_535 })), (all, ssh) => {
      const { ports, withheld } = forwardedPorts(all, keptFor(new Set(ssh)))
      expect(ports.length).toBeLessThanOrEqual(MOST_PUBLISHED_ENTRIES)
      const led = ports.map(({ lastPort, ...one }) => ({ ...one, lastPort: lastPort ?? one.port }))
      expect(portCount(led) + portCount([...withheld.values()].flat())).toBe(portCount(all))
      const isLed = (port: number) =>
        led.some((one) => one.protocol === 'tcp' && one.port <= port && port <= one.lastPort)
      expect(ssh.some(isLed)).toBe(false)
    }),
    { numRuns: 30 },
  )
})
