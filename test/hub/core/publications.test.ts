import * as fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import {
  addPublication,
  type PublicationInput,
  removePublication,
  visiblePublications,
} from '../../../hub/core/publications.ts'
import { publishedPorts } from '../../../hub/core/led-ports.ts'
import { removeHome } from '../../../hub/core/removal.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument, StoreDocumentSchema } from '../../../hub/core/store-document.ts'
import { makeVisitors } from '../../../hub/service/visitors.ts'
import { MOST_PUBLISHED_PORTS, parseRange, rangeText } from '../../../protocol/publications.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'

const now = new Date('2026-11-23T10:00:00Z')
const home = (name: string, letter: string, address: string, lan: string[], keeps?: string[]): Home => ({
  name,
  address,
  publicKey: parsePublicKey(`${letter.repeat(42)}A=`),
  secretHash: hashOf(name),
  lan,
  joinedAt: now.toISOString(),
  ...(keeps === undefined ? {} : { keeps }),
})
const cabin = home('cabin', 'B', '10.86.0.2', ['192.168.1.0/24'], ['10.86.0.2/32', '192.168.1.2/32'])
const lodge = home('lodge', 'C', '10.86.0.3', ['192.168.88.0/24'], ['192.168.88.0/24'])
const empty: StoreDocument = { ...EMPTY_DOCUMENT, homes: [cabin, lodge] }

const input = (more: Partial<PublicationInput> = {}): PublicationInput => ({
  protocol: 'tcp',
  port: 443,
  lastPort: 443,
  address: '192.168.1.20',
  targetPort: 8443,
  source: null,
  ...more,
})
const free = (): null => null
const add = (document: StoreDocument, asker: Home | null, more: Partial<PublicationInput> = {}) =>
  addPublication(document, asker, input(more), free, now)
const codeOf = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (thrown) {
    return (thrown as { code?: string }).code
  }
}
const readable = (document: StoreDocument): unknown =>
  v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))

describe('publishing', () => {
  test('keeps the visitor’s address where the home says that it can, and says so where it cannot', () => {
    const sourceOf = (asker: Home, address: string, source: 'keep' | 'hide' | null = null) =>
      codeOf(() => add(empty, asker, { address, source })[1].source)
    expect(sourceOf(cabin, '192.168.1.20')).toBe('hide')
    expect(sourceOf(cabin, '192.168.1.20', 'keep')).toBe('source-not-kept')
    expect(sourceOf(cabin, '192.168.1.2')).toBe('keep')
    expect(sourceOf(cabin, '10.86.0.2')).toBe('keep')
    expect(sourceOf(cabin, '10.86.0.2', 'hide')).toBe('hide')
    expect(sourceOf(lodge, '192.168.88.20')).toBe('keep')
  })

  test('asked again for the same it changes nothing; for another it is refused, without a word of another home', () => {
    const [after, first] = add(empty, cabin)
    expect(add(after, cabin)).toEqual([after, first])
    expect(codeOf(() => add(after, cabin, { targetPort: 9443 }))).toBe('publication-exists')
    expect(() => add(after, lodge, { address: '192.168.88.20' })).toThrow(/443\/tcp leads elsewhere already/)
    expect(codeOf(() => add(after, null, { port: 400, lastPort: 500 }))).toBe('publication-exists')
    expect(add(after, cabin, { protocol: 'udp' })[0].publications).toHaveLength(2)
  })

  test('a home publishes what it has, and nothing of the hub or of others', () => {
    for (const address of ['192.168.88.20', '10.86.0.1', '10.86.0.3', '203.0.113.10', '127.0.0.1'])
      expect(codeOf(() => add(empty, cabin, { address }))).toBe('publication-invalid')
  })

  test('on the hub the address says which home, or --home does', () => {
    expect(add(empty, null)[1].home).toBe('cabin')
    expect(add(empty, null, { address: '10.86.0.3' })[1].home).toBe('lodge')
    expect(codeOf(() => add(empty, null, { address: '192.168.7.7' }))).toBe('publication-invalid')
    const twins = { ...empty, homes: [cabin, { ...lodge, lan: cabin.lan }] }
    expect(codeOf(() => add(twins, null))).toBe('publication-invalid')
    expect(add(twins, null, { home: 'lodge' })[1].home).toBe('lodge')
    expect(codeOf(() => add(empty, null, { home: 'barn' }))).toBe('home-missing')
  })

  test('a range leads in step, and not past the last port', () => {
    const [, range] = add(empty, cabin, { port: 8000, lastPort: 8002, targetPort: 80 })
    expect(publishedPorts([range]).map(({ port, targetPort }) => [port, targetPort])).toEqual([
      [8000, 80],
      [8001, 81],
      [8002, 82],
    ])
    expect(codeOf(() => add(empty, cabin, { port: 8000, lastPort: 8002, targetPort: 65_534 }))).toBe(
      'publication-invalid',
    )
    expect(codeOf(() => add(empty, cabin, { port: 8002, lastPort: 8000 }))).toBe('publication-invalid')
  })

  test('a hub leads so many ports and no more, a range with each of its ports, TCP and UDP each', () => {
    const most = MOST_PUBLISHED_PORTS
    expect(codeOf(() => add(empty, cabin, { port: 1, lastPort: 51_819, targetPort: 1 }))).toBe('publications-full')
    const [half] = add(empty, cabin, { port: 20_001, lastPort: 20_000 + most - 10, targetPort: 1 })
    const [full] = add(half, lodge, { protocol: 'udp', port: 1, lastPort: 10, address: '192.168.88.20', targetPort: 1 })
    expect(() => add(half, null, { port: 1, lastPort: 11, targetPort: 1 })).toThrow(/11 more, and there is room for 10/)
    for (const asker of [cabin, lodge, null])
      expect(codeOf(() => add(full, asker, { address: asker === lodge ? '192.168.88.20' : '192.168.1.20' }))).toBe(
        'publications-full',
      )
    const [room] = removePublication(full, lodge, { protocol: 'udp', port: 1, lastPort: 10 })
    expect(add(room, cabin)[0].publications).toHaveLength(2)
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

test('a file that was written before there were publications is read as one without', () => {
  const { publications: _, ...old } = empty
  expect(readable(old as StoreDocument)).toEqual(empty)
})

test('whatever is added and taken back, what is written can be read, and each port leads to one place', () => {
  const change = fc.record({
    remove: fc.boolean(),
    asker: fc.constantFrom(cabin, lodge, null),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    port: fc.integer({ min: 1, max: 12 }),
    more: fc.nat(3),
    address: fc.constantFrom('192.168.1.20', '192.168.88.20', '10.86.0.2', '10.86.0.3'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let document = empty
      for (const { remove, asker, protocol, port, more, address } of changes) {
        const range = { protocol, port, lastPort: port + more }
        try {
          ;[document] = remove ? removePublication(document, asker, range) : add(document, asker, { ...range, address })
        } catch {
          // Refused: nothing changed.
        }
        readable(document)
        const ports = publishedPorts(document.publications).map(({ protocol, port }) => `${port}/${protocol}`)
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

test('a home is asked until what it says is what is wanted, whoever was restarted in between', () => {
  const [kept] = add(empty, lodge, { address: '192.168.88.20' })
  const visitors = makeVisitors()
  visitors.serve(empty)
  expect(visitors.isNews(lodge)).toBe(false)
  visitors.serve(kept)
  expect([visitors.isNews(lodge), visitors.isNews(cabin)]).toEqual([true, false])
  visitors.heard('lodge', false)
  expect(visitors.isNews(lodge)).toBe(true)
  visitors.heard('lodge', true)
  expect([visitors.isNews(lodge), visitors.isReady('lodge')]).toEqual([false, true])
  visitors.serve(empty)
  expect(visitors.isNews(lodge)).toBe(true)
  visitors.heard('lodge', false)
  expect(visitors.isNews(lodge)).toBe(false)
})
