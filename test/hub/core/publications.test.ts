import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import {
  addPublication,
  findPublication,
  listedPublications,
  namedTargets,
  type PublicationInput,
  removePublication,
  visiblePublications,
} from '../../../hub/core/publications.ts'
import { forwardedPorts, entriesOf } from '../../../hub/core/forwarded-ports.ts'
import { removeHome } from '../../../hub/core/removal.ts'
import { type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { MOST_PUBLISHED_ENTRIES, parseRange, type PublishedRange, rangeText } from '../../../protocol/publications.ts'
import { add, cabin, codeOf, empty, input, lodge, now, readable } from './given-publications.ts'

describe('publishing', () => {
  test('keeps the visitor’s address where the home says that it can, and says so where it cannot', () => {
    const sourceOf = (principal: Home, address: string, source: 'keep' | 'hide' | null = null) =>
      codeOf(() => add({ ...empty, homes: [principal] }, principal, { address, source })[1].source)
    expect(sourceOf(cabin, '192.168.1.20')).toBe('hide')
    expect(sourceOf(cabin, '192.168.1.20', 'keep')).toBe('source-not-kept')
    expect(sourceOf(cabin, '192.168.1.2')).toBe('keep')
    expect(sourceOf(cabin, '10.86.0.2')).toBe('keep')
    expect(sourceOf(cabin, '10.86.0.2', 'hide')).toBe('hide')
    expect(sourceOf(lodge, '192.168.88.20')).toBe('keep')
    expect(sourceOf(cabin, '192.168.1.20', 'hide')).toBe('hide')
    expect(sourceOf(cabin, '192.168.1.2', 'keep')).toBe('keep')
    const oneArmed = { ...cabin, triesKeep: true } as const
    expect(sourceOf(oneArmed, '192.168.1.20')).toBe('hide')
    expect(sourceOf(oneArmed, '192.168.1.20', 'keep')).toBe('keep')
    const { keeps: _, ...barn } = { ...cabin, name: 'barn' }
    const [, silent] = add({ ...empty, homes: [barn] }, barn)
    expect(silent.source).toBe('hide')
  })

  test('asked again for the same it changes nothing; for another it is refused, without a word of another home', () => {
    const [after, first] = add(empty, cabin)
    expect(add(after, cabin)).toEqual([after, first])
    expect(codeOf(() => add(after, cabin, { targetPort: 9443 }))).toBe('publication-exists')
    expect(() => add(after, lodge, { address: '192.168.88.20' })).toThrow(/443\/tcp leads elsewhere already/)
    expect(codeOf(() => add(after, null, { port: 400, lastPort: 500 }))).toBe('publication-exists')
    expect(add(after, cabin, { protocol: 'udp' })[0].publications).toHaveLength(2)
    // Its own is named to the home, and any to the hub's owner.
    for (const principal of [cabin, null])
      expect(() => add(after, principal, { targetPort: 9443 })).toThrow(
        /443\/tcp leads to 192\.168\.1\.20 of cabin already/,
      )
  })

  test('beside another range it is taken, and not over its border', () => {
    const [after] = add(empty, cabin, { port: 100, lastPort: 200 })
    const at = (port: number, lastPort: number): unknown =>
      codeOf(() => add(after, cabin, { port, lastPort })[0].publications.length)
    expect([at(50, 99), at(201, 300)]).toEqual([2, 2])
    for (const [port, lastPort] of [
      [50, 100],
      [200, 300],
      [120, 130],
      [50, 300],
    ] as const)
      expect(at(port, lastPort)).toBe('publication-exists')
  })

  test('a port that is the hub’s own is refused with its owner, the first and the last of a range too', () => {
    const reserved = (ports: readonly number[], range: Partial<PublicationInput>) => {
      const by = (protocol: string, port: number): string | null =>
        ports.includes(port) ? `sshd uses ${protocol} port ${port}` : null
      return () => addPublication(empty, cabin, input(range), by, now)
    }
    const three = { port: 2221, lastPort: 2223, targetPort: 1 }
    for (const port of [2221, 2222, 2223])
      expect(reserved([port], three)).toThrow(
        expect.objectContaining({ code: 'port-taken', why: `sshd uses tcp port ${port}` }),
      )
    expect(reserved([2220, 2224], three)).not.toThrow()
  })

  test('a home publishes what it has, and nothing of the hub or of others', () => {
    for (const address of ['192.168.88.20', '10.86.0.1', '10.86.0.3', '203.0.113.10', '127.0.0.1'])
      expect(codeOf(() => add(empty, cabin, { address }))).toBe('publication-invalid')
    expect(() => add(empty, cabin, { address: '192.168.88.20' })).toThrow(
      /in what the tunnel reaches at cabin: 192\.168\.1\.0\/24, 10\.86\.0\.2 \(the home’s end of the tunnel\)/,
    )
    const wide = { ...cabin, lan: ['192.168.1.0/24', '192.168.2.0/24'] }
    expect(add({ ...empty, homes: [wide] }, wide, { address: '192.168.2.20' })[1].address).toBe('192.168.2.20')
  })

  test('on the hub the address says which home, or --home does', () => {
    expect(add(empty, null)[1].home).toBe('cabin')
    expect(add(empty, null, { address: '10.86.0.3' })[1].home).toBe('lodge')
    expect(add(empty, null, { home: null })[1].home).toBe('cabin')
    expect(codeOf(() => add(empty, null, { address: '192.168.7.7' }))).toBe('publication-invalid')
    expect(() => add(empty, null, { address: '192.168.7.7' })).toThrow(/: no home has 192\.168\.7\.7/)
    const twins = { ...empty, homes: [cabin, { ...lodge, lan: cabin.lan }] }
    expect(codeOf(() => add(twins, null))).toBe('publication-invalid')
    expect(() => add(twins, null)).toThrow(/more than one home has 192\.168\.1\.20/)
    expect(add(twins, null, { home: 'lodge' })[1].home).toBe('lodge')
    expect(codeOf(() => add(empty, null, { home: 'barn' }))).toBe('home-missing')
  })

  test('a range leads in step, and not past the last port', () => {
    const [, range] = add(empty, cabin, { port: 8000, lastPort: 8002, targetPort: 80 })
    expect(entriesOf(range).map(({ port, targetPort }) => [port, targetPort])).toEqual([
      [8000, 80],
      [8001, 81],
      [8002, 82],
    ])
    expect(codeOf(() => add(empty, cabin, { port: 8000, lastPort: 8002, targetPort: 65_534 }))).toBe(
      'publication-invalid',
    )
    expect(add(empty, cabin, { port: 8000, lastPort: 8002, targetPort: 65_533 })[1].targetPort).toBe(65_533)
    expect(codeOf(() => add(empty, cabin, { port: 8002, lastPort: 8000 }))).toBe('publication-invalid')
  })

  test('a hub leads so many ports and no more, a range to other numbers with each of its ports, TCP and UDP each', () => {
    const most = MOST_PUBLISHED_ENTRIES
    expect(codeOf(() => add(empty, cabin, { port: 2, lastPort: 51_819, targetPort: 1 }))).toBe('publications-full')
    const [half] = add(empty, cabin, { port: 20_001, lastPort: 20_000 + most - 10, targetPort: 1 })
    const ten = { protocol: 'udp', port: 1, lastPort: 10, address: '192.168.88.20', targetPort: 2 } as const
    const [full] = add(half, lodge, ten)
    expect(() => add(half, null, { port: 1, lastPort: 11, targetPort: 2 })).toThrow(/11 more, and there is room for 10/)
    for (const principal of [cabin, lodge, null])
      expect(
        codeOf(() => add(full, principal, { address: principal === lodge ? '192.168.88.20' : '192.168.1.20' })),
      ).toBe('publications-full')
    const [room] = removePublication(full, lodge, { protocol: 'udp', port: 1, lastPort: 10 })
    expect(add(room, cabin)[0].publications).toHaveLength(2)
  })

  test('a service that was given by a host name moves with it, and no other does', () => {
    const nas = { host: 'nas.lan', port: 8080, lastPort: 8080 }
    const [named, first] = add(empty, cabin, { ...nas, address: '192.168.1.20' })
    expect(namedTargets(named, 'cabin')).toMatchObject([{ host: 'nas.lan', address: '192.168.1.20', source: 'hide' }])
    expect(namedTargets(named, 'lodge')).toEqual([])
    const [moved, again] = add(named, cabin, { ...nas, address: '192.168.1.21' })
    expect(moved.publications).toEqual([{ ...first, address: '192.168.1.21' }])
    expect(again.addedAt).toBe(first.addedAt)
    readable(moved)
    for (const other of [{ host: 'other.lan' }, { host: undefined }, { targetPort: 81 }])
      expect(codeOf(() => add(named, cabin, { ...nas, address: '192.168.1.22', ...other }))).toBe('publication-exists')
    // Asked for again by its address it is the same, and keeps its name.
    expect(add(named, cabin, { ...nas, host: undefined, address: '192.168.1.20' })[1].host).toBe('nas.lan')
  })

  test('a range that keeps its numbers counts as one, however many ports it has', () => {
    const [document] = add(empty, cabin, { protocol: 'udp', port: 20_001, lastPort: 50_000, targetPort: 20_001 })
    const rest = { port: 30_001, lastPort: 30_000 + MOST_PUBLISHED_ENTRIES - 1, targetPort: 1 }
    expect(add(document, cabin, rest)[0].publications).toHaveLength(2)
    expect(codeOf(() => add(document, cabin, { ...rest, lastPort: rest.lastPort + 1 }))).toBe('publications-full')
  })

  test('what a store of an older hub has too much of leaves no room, and never less than none', () => {
    const [half] = add(empty, cabin, { port: 2, lastPort: MOST_PUBLISHED_ENTRIES + 1, targetPort: 1 })
    const [first] = half.publications
    if (first === undefined) throw new TypeError('nothing was published')
    const over = { ...half, publications: [{ ...first, lastPort: first.lastPort + 5 }] }
    expect(() => add(over, cabin, { port: 60_000, lastPort: 60_000 })).toThrow(/1 more, and there is room for 0/)
  })

  test('goes with its home, and not before', () => {
    const [one] = add(empty, cabin)
    const [both] = add(one, lodge, { port: 80, lastPort: 80, address: '192.168.88.20' })
    expect(visiblePublications(both, cabin).map(rangeText)).toEqual(['443/tcp'])
    expect(visiblePublications(both, null).map(rangeText)).toEqual(['80/tcp', '443/tcp'])
    expect(codeOf(() => removePublication(both, lodge, input()))).toBe('publication-missing')
    expect(removeHome(both, 'cabin', now)[0].publications.map(({ home }) => home)).toEqual(['lodge'])
  })
})

describe('what is published', () => {
  const [one] = add(empty, cabin, { port: 100, lastPort: 200 })
  const [two] = add(one, cabin, { protocol: 'udp', port: 100, lastPort: 100 })
  const [all] = add(two, lodge, { port: 80, lastPort: 80, address: '192.168.88.20' })
  const range = (port: number, lastPort = port, protocol: 'tcp' | 'udp' = 'tcp') => ({ protocol, port, lastPort })
  const found = (principal: Home | null, of: PublishedRange): unknown =>
    codeOf(() => rangeText(findPublication(all, principal, of, 'checking')))

  test('is found by its ports, or by the first of them; by its home and the hub’s owner', () => {
    for (const principal of [cabin, null]) {
      expect(found(principal, range(100, 200))).toBe('100-200/tcp')
      expect(found(principal, range(100))).toBe('100-200/tcp')
      expect(found(principal, range(100, 100, 'udp'))).toBe('100/udp')
      for (const of of [range(100, 150), range(101, 200), range(200)])
        expect(found(principal, of)).toBe('publication-missing')
      expect(found(principal, range(100, 200, 'udp'))).toBe('publication-missing')
    }
    expect([found(lodge, range(100)), found(cabin, range(80)), found(null, range(80))]).toEqual([
      'publication-missing',
      'publication-missing',
      '80/tcp',
    ])
    expect(() => findPublication(all, lodge, range(100), 'checking')).toThrow(/lodge has not published it/)
    expect(() => findPublication(all, null, range(7), 'checking')).toThrow(/the hub has not published it/)
  })

  test('is taken back alone', () => {
    const [left, gone] = removePublication(all, null, range(100, 200))
    expect(rangeText(gone)).toBe('100-200/tcp')
    expect(left.publications.map(rangeText)).toEqual(['100/udp', '80/tcp'])
    expect(codeOf(() => removePublication({ ...all, homes: [lodge] }, cabin, range(100)))).toBe('home-unknown')
  })

  test('is listed by port, TCP before UDP, with what of it leads nowhere', () => {
    const udpFirst = { ...all, publications: all.publications.toReversed() }
    const led = forwardedPorts(all.publications, { ssh: new Set([22, 150]), listeners: new Set() })
    expect(visiblePublications(udpFirst, null).map(rangeText)).toEqual(['80/tcp', '100-200/tcp', '100/udp'])
    const [tcp, udp] = listedPublications(udpFirst, cabin, led)
    expect(tcp).toEqual({
      ...all.publications[0],
      withheld: [{ ...range(150), code: 'port-taken', why: 'it is kept for ssh on the hub' }],
    })
    expect(udp).toEqual(all.publications[1])
    expect(Object.keys(udp ?? {})).not.toContain('withheld')
  })
})

test('a file that was written before there were publications is read as one without', () => {
  const { publications: _, ...old } = empty
  expect(readable(old as StoreDocument)).toEqual(empty)
})

test('whatever is added and taken back, what is written can be read, and each port leads to one place', () => {
  const change = fc.record({
    remove: fc.boolean(),
    principal: fc.constantFrom(cabin, lodge, null),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    port: fc.integer({ min: 1, max: 12 }),
    more: fc.nat(3),
    address: fc.constantFrom('192.168.1.20', '192.168.88.20', '10.86.0.2', '10.86.0.3'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let document = empty
      for (const { remove, principal, protocol, port, more, address } of changes) {
        const range = { protocol, port, lastPort: port + more }
        try {
          ;[document] = remove
            ? removePublication(document, principal, range)
            : add(document, principal, { ...range, address })
        } catch {
          // Refused: nothing changed.
        }
        readable(document)
        const ports = document.publications
          .flatMap((one) => entriesOf({ ...one, targetPort: one.port + 1 }))
          .map(({ protocol, port }) => `${port}/${protocol}`)
        expect(new Set(ports).size).toBe(ports.length)
      }
    }),
  )
})

test('ports as text and back', () => {
  const range = fc
    .tuple(fc.constantFrom('tcp' as const, 'udp' as const), fc.integer({ min: 1, max: 65_535 }), fc.nat(20))
    .map(([protocol, port, more]) => ({ protocol, port, lastPort: Math.min(65_535, port + more) }))
  fc.assert(
    fc.property(range, (one) => {
      expect(parseRange(rangeText(one))).toEqual(one)
    }),
  )
  for (const text of ['', '443', '443/', '/tcp', '0/tcp', '65536/tcp', '5-4/udp', '443/tcp ', '1-2-3/tcp', '443/icmp'])
    expect(parseRange(text)).toBeNull()
})
