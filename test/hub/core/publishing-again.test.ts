import { describe, expect, test } from 'vitest'
import { namedTargets, outgoingOf, type PublicationInput } from '../../../hub/core/publications.ts'
import type { Home, StoreDocument } from '../../../hub/core/store-document.ts'
import { add, cabin, codeOf, empty, lodge, readable } from './given-publications.ts'

/** Who asks for a port that leads somewhere already: for the same, for the same service that moved, or for another. */

const twin = { ...lodge, lan: cabin.lan }
const twins: StoreDocument = {
  ...empty,
  homes: [
    { ...cabin, outgoing: true },
    { ...twin, outgoing: true },
  ],
}
const [able] = twins.homes as [Home, Home]
const named = { host: 'nas.lan' }
const moved = { ...named, address: '192.168.1.21' }
const range = { port: 100, lastPort: 150, targetPort: 100 }

describe('asked again', () => {
  test('for the same, there is nothing to write', () => {
    for (const more of [{}, named, { ...named, source: 'hide' }, { outgoing: true }] as const) {
      const [after] = add(twins, able, more)
      expect(add(after, able, more)[0]).toBe(after)
      // A restart reads just what was there before it.
      expect(readable(after)).toStrictEqual(after)
    }
  })

  test.each<[string, Partial<PublicationInput>, Partial<PublicationInput>]>([
    ['first port', range, { port: 120, lastPort: 150 }],
    ['last port', range, { lastPort: 140 }],
    ['address', range, { address: '192.168.1.21' }],
    ['first port there', range, { targetPort: 101 }],
    ['source', { address: '192.168.1.2', source: 'keep' }, { source: 'hide' }],
    ['home', { home: 'cabin' }, { home: 'lodge' }],
    ['name that led to another home', { ...moved, home: 'cabin' }, { address: '192.168.1.20', home: 'lodge' }],
    ['first port of a name that moved', { ...range, ...named }, { ...moved, port: 120, targetPort: 100 }],
    ['last port of a name that moved', { ...range, ...named }, { ...moved, lastPort: 140 }],
    ['first port there of a name that moved', { ...range, ...named }, { ...moved, targetPort: 101 }],
    ['name', named, { ...moved, host: 'other.lan' }],
  ])('for another %s it is refused, also where its own packets shall leave by the hub', (_, first, other) => {
    const [after] = add(twins, null, { home: 'cabin', ...first })
    for (const outgoing of [undefined, true]) {
      const again = { home: 'cabin', ...first, ...other, ...(outgoing === undefined ? {} : { outgoing }) }
      expect(codeOf(() => add(after, null, again))).toBe('publication-exists')
    }
  })

  test('for a service that moved, no other one moves with it', () => {
    const [one, web] = add(twins, able)
    const [two, nas] = add(one, able, { ...named, port: 445, lastPort: 445 })
    const [after, at] = add(two, able, { ...moved, port: 445, lastPort: 445 })
    expect(at).toStrictEqual({ ...nas, address: '192.168.1.21' })
    expect(after.publications).toStrictEqual([web, at])
  })

  test('by its address it keeps its name, and where it had none it takes the one that is given', () => {
    const [byName] = add(twins, able, named)
    expect(add(byName, able, { outgoing: true })[1].host).toBe('nas.lan')
    const [byAddress] = add(twins, able)
    expect(add(byAddress, able, { ...named, outgoing: true })[1].host).toBe('nas.lan')
  })
})

describe('what a service itself sends', () => {
  const may = able.may?.filter((right) => right !== 'outgoing') ?? []
  const meek = { ...able, may }
  const homes = { ...twins, homes: [meek, twin] }

  test('leaves by the hub where the home has the right, or the hub’s owner says so', () => {
    expect(codeOf(() => add(homes, meek, { outgoing: true }))).toBe('right-missing')
    const [byOwner] = add(homes, null, { home: 'cabin', outgoing: true })
    // What it was given it may ask for again, and it is not asked for a right that it does not use.
    expect(add(byOwner, meek, { outgoing: true })[0]).toBe(byOwner)
    expect(add(byOwner, meek, { outgoing: false })[1].outgoing).toBeUndefined()
    expect(codeOf(() => add(add(homes, meek)[0], meek, { outgoing: true }))).toBe('right-missing')
  })

  test('is told to the home alone whose service it is, always in the same order', () => {
    const at = (protocol: 'tcp' | 'udp', port: number) => ({ protocol, port, lastPort: port, targetPort: port })
    let document = add(twins, able, at('tcp', 80))[0]
    for (const one of [at('tcp', 465), at('udp', 25), at('tcp', 25)])
      document = add(document, able, { ...one, outgoing: true })[0]
    const address = '192.168.1.20'
    expect(outgoingOf(document, 'cabin')).toEqual(
      [at('tcp', 25), at('udp', 25), at('tcp', 465)].map((one) => ({ ...one, address })),
    )
    expect(outgoingOf(document, 'lodge')).toEqual([])
  })
})

test('a home looks after the names of its services, and asks for no visitor’s address that its hosts could not keep', () => {
  const at = (port: number) => ({ port, lastPort: port })
  let document = add(empty, cabin)[0]
  document = add(document, cabin, { ...at(1_001), host: 'keeps.lan', address: '192.168.1.2' })[0]
  document = add(document, cabin, { ...at(1_002), host: 'hides.lan', address: '192.168.1.2', source: 'hide' })[0]
  document = add(document, lodge, { ...at(1_003), host: 'other.lan', address: '192.168.88.20' })[0]
  expect(namedTargets(document, 'cabin').map(({ host, source }) => [host, source])).toEqual([
    ['keeps.lan', null],
    ['hides.lan', 'hide'],
  ])
})
