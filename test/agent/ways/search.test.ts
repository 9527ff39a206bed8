import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import {
  beginSearch,
  decide,
  type Echo,
  ECHO_MS,
  firstEndpoint,
  noteEcho,
  noteLeft,
  noteProven,
  noteTls,
  noteTrying,
  type Search,
  type Way,
} from '../../../agent/ways/search.ts'
import { lineReport, lineText } from '../../../agent/ways/line-report.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'

const PORTS = [51_820, 4_500, 443, 53] as const
const at = (port: number): Endpoint => ({ address: '203.0.113.10', port })

/** A line, and what passes on it. */
interface Line {
  /** Ports from which echoes come back, after how long. */
  readonly echoes: Readonly<Record<number, number>>
  /** Ways on which WireGuard shakes hands, and those on which the tunnel's heartbeats are answered too. */
  readonly handshakes?: readonly (number | 'tls')[]
  readonly heartbeats: readonly (number | 'tls')[]
  /** How long echoes take when they are asked for again, on a machine that is less busy then; not given: as before. */
  readonly echoesAgain?: number
  /** How long opening the TLS transport takes; null: it fails after 2 s. */
  readonly tlsMs?: number | null
}

interface Outcome {
  readonly search: Search
  readonly tried: readonly (number | 'tls')[]
  readonly ms: number
}

const nameOf = (way: Way): number | 'tls' => (way.kind === 'tls' ? 'tls' : way.endpoint.port)

/** A join on that line: echoes at once, the interface made as soon as an endpoint is chosen, effects that take 10 ms. */
function joinOn(line: Line, { choosesFirst = true } = {}): Outcome {
  const EFFECT_MS = 10
  let search = beginSearch(PORTS.map(at), 0)
  let now = 0
  const tried: (number | 'tls')[] = []
  const due: { at: number; take: () => void }[] = PORTS.map((port) => {
    const took = line.echoes[port]
    const echo: Echo = took === undefined ? { kind: 'silent' } : { kind: 'passes', roundTripMs: took }
    return { at: took ?? ECHO_MS, take: () => (search = noteEcho(search, at(port), echo, now)) }
  })

  function passUntil(until: number): void {
    due.sort((a, b) => a.at - b.at)
    for (const one of due.filter((event) => event.at <= until)) {
      due.splice(due.indexOf(one), 1)
      now = Math.max(now, one.at)
      one.take()
    }
    now = until
  }

  function trying(way: Way): void {
    search = noteTrying(search, way, now)
    tried.push(nameOf(way))
    if (line.heartbeats.includes(nameOf(way)))
      due.push({ at: now + 50, take: () => (search = search.current === null ? search : noteProven(search)) })
  }

  let first = choosesFirst ? null : at(51_820)
  while (first === null) {
    first = firstEndpoint(search, now)
    if (first === null) passUntil(now + 10)
  }
  trying({ kind: 'udp', endpoint: first })
  for (let turns = 0; ; turns += 1) {
    expect(turns, 'the search ends').toBeLessThan(200)
    due.sort((a, b) => a.at - b.at)
    const decision = decide(search, now)
    if (decision.kind === 'end') return { search, tried, ms: now }
    if (decision.kind === 'wait') passUntil(Math.min(decision.until, due[0]?.at ?? Infinity))
    else if (decision.kind === 'open-tls') {
      search = noteTls(search, { kind: 'opening' })
      const { tlsMs = 100, echoesAgain } = line
      if (echoesAgain !== undefined)
        for (const { endpoint, echo } of search.endpoints) {
          const again: Echo = { kind: 'passes', roundTripMs: echoesAgain }
          const take = (): void => void (search = noteEcho(search, endpoint, again, now))
          if (echo.kind === 'passes' || (echo.kind === 'pending' && line.echoes[endpoint.port] !== undefined))
            due.push({ at: now + echoesAgain, take })
        }
      if (tlsMs === null)
        due.push({ at: now + 2_000, take: () => (search = noteTls(search, { kind: 'failed', why: 'no answer' })) })
      else due.push({ at: now + tlsMs, take: () => (search = noteTls(search, { kind: 'open' })) })
    } else if (decision.kind === 'leave') {
      const current = search.current === null ? 'tls' : nameOf(search.current.way)
      const shookHands = decision.look ? [...(line.handshakes ?? []), ...line.heartbeats].includes(current) : null
      search = noteLeft(search, { shookHands })
      passUntil(now + EFFECT_MS)
    } else {
      trying(decision.way)
      passUntil(now + EFFECT_MS)
    }
  }
}

const proven = ({ search }: Outcome) => (search.proven === null ? null : nameOf(search.proven))
const ALL_ECHOES = { 51_820: 20, 4_500: 20, 443: 20, 53: 20 }
const EVERYWHERE = [...PORTS, 'tls'] as const

describe('a join finds the way', () => {
  test('all passes: the hub’s own port, at once', () => {
    const outcome = joinOn({ echoes: ALL_ECHOES, heartbeats: EVERYWHERE })
    expect(proven(outcome)).toBe(51_820)
    expect(outcome.tried).toEqual([51_820])
    expect(outcome.ms).toBeLessThan(200)
  })

  test('one port is blocked: the next one, within a second', () => {
    const outcome = joinOn({ echoes: { 4_500: 20, 443: 20, 53: 20 }, heartbeats: [4_500, 443, 53, 'tls'] })
    expect(proven(outcome)).toBe(4_500)
    expect(outcome.ms).toBeLessThan(1_000)
  })

  test('a router’s interface, which begins at the hub’s own port before anybody could ask, is moved', () => {
    const line = { echoes: { 443: 20 }, heartbeats: [443, 'tls'] as const }
    const outcome = joinOn(line, { choosesFirst: false })
    expect(outcome.tried).toEqual([51_820, 443])
    expect(outcome.ms).toBeLessThan(1_500)
  })

  test('all UDP is blocked: over TLS, within 6 s', () => {
    const outcome = joinOn({ echoes: {}, heartbeats: ['tls'] })
    expect(outcome.tried).toEqual([51_820, 4_500, 443, 'tls'])
    expect(proven(outcome)).toBe('tls')
    expect(outcome.ms).toBeLessThan(6_000)
  })

  test('only handshakes are dropped: over TLS, after each port was tried', () => {
    const outcome = joinOn({ echoes: ALL_ECHOES, heartbeats: ['tls'] })
    expect(outcome.tried).toEqual([...PORTS, 'tls'])
    expect(proven(outcome)).toBe('tls')
    expect(outcome.ms).toBeLessThan(7_000)
  })

  test('only handshakes are dropped, and this machine was too busy to time its echoes: not much later', () => {
    const busy = { 51_820: 1_600, 4_500: 1_600, 443: 1_600, 53: 1_600 }
    const late = joinOn({ echoes: busy, heartbeats: ['tls'] })
    expect(late.ms).toBeGreaterThan(16_000)
    const timedAgain = joinOn({ echoes: busy, echoesAgain: 200, heartbeats: ['tls'] })
    expect(proven(timedAgain)).toBe('tls')
    expect(timedAgain.tried).toEqual([...PORTS, 'tls'])
    expect(timedAgain.ms).toBeLessThan(8_000)
  })

  test('a second echo that is slower, or lost, makes the first one no worse', () => {
    const first = noteEcho(beginSearch([at(443)], 0), at(443), { kind: 'passes', roundTripMs: 20 }, 20)
    for (const later of [{ kind: 'silent' }, { kind: 'passes', roundTripMs: 900 }] as const)
      expect(noteEcho(first, at(443), later, 3_000).endpoints).toEqual(first.endpoints)
  })

  test('handshakes are dropped at the hub’s own port alone: by the next one', () => {
    const outcome = joinOn({ echoes: ALL_ECHOES, heartbeats: [443, 'tls'] })
    expect(outcome.tried).toEqual([51_820, 4_500, 443])
  })

  test('a hub whose firewall drops echoes, on a line that blocks its own port: by the next one', () => {
    const outcome = joinOn({ echoes: {}, heartbeats: [443, 'tls'] })
    expect(proven(outcome)).toBe(443)
  })

  test('an echo that comes late, from a port that was tried without one: it is tried again', () => {
    const outcome = joinOn({ echoes: { 51_820: 2_900 }, heartbeats: [51_820] })
    expect(proven(outcome)).toBe(51_820)
  })

  test('a line by satellite keeps its first port, however long the echoes of the others take', () => {
    const slow = { 51_820: 1_400, 4_500: 1_400, 443: 1_400, 53: 1_400 }
    const outcome = joinOn({ echoes: slow, heartbeats: EVERYWHERE })
    expect(outcome.tried).toEqual([51_820])
  })
})

describe('a search without success ends', () => {
  test.each<readonly [string, Line, readonly (number | 'tls')[]]>([
    ['nothing passes, TLS included', { echoes: {}, heartbeats: [], tlsMs: null }, [51_820, 4_500, 443]],
    [
      'TLS is refused: ports with echoes are tried once more',
      { echoes: { 443: 20 }, heartbeats: [], tlsMs: null },
      [443, 443],
    ],
    // Where hands are shaken the way is not to blame: the next port would do no better.
    [
      'hands are shaken and nobody answers',
      { echoes: ALL_ECHOES, handshakes: EVERYWHERE, heartbeats: [] },
      [51_820, 'tls'],
    ],
  ])('%s', (_what, line, tried) => {
    const outcome = joinOn(line)
    expect(proven(outcome)).toBeNull()
    expect(outcome.tried).toEqual(tried)
    expect(outcome.ms).toBeLessThan(20_000)
  })

  test('whatever a line does, within half a minute, and no way that works is missed', () => {
    const way = fc.constantFrom<number | 'tls'>(...EVERYWHERE)
    const line = fc.record({
      echoes: fc.dictionary(fc.constantFrom(...PORTS.map(String)), fc.integer({ min: 1, max: 3_500 })),
      heartbeats: fc.uniqueArray(way),
      tlsMs: fc.option(fc.integer({ min: 1, max: 3_000 })),
    })
    fc.assert(
      fc.property(line, fc.boolean(), (made, choosesFirst) => {
        const outcome = joinOn(made, { choosesFirst })
        expect(outcome.ms).toBeLessThan(35_000)
        const isTls = made.heartbeats.includes('tls') && made.tlsMs !== null
        const isUdp = PORTS.some((port) => made.heartbeats.includes(port) && made.echoes[port] !== undefined)
        if (isTls || isUdp) expect(proven(outcome)).not.toBeNull()
        if (outcome.search.proven !== null) expect(made.heartbeats).toContain(proven(outcome))
      }),
    )
  })
})

describe('what the line lets through is said', () => {
  const said = (line: Line) => lineText(lineReport(joinOn(line).search, '203.0.113.10:51820'))

  test.each<readonly [string, Line, string]>([
    [
      'one port blocked',
      { echoes: { 4_500: 1, 443: 1, 53: 1 }, heartbeats: [4_500] },
      'UDP 51820: not known; UDP 4500: passes; UDP 443: passes; UDP 53: passes; TLS: passes',
    ],
    [
      'all UDP blocked',
      { echoes: {}, heartbeats: ['tls'] },
      'UDP 51820: nothing comes back; UDP 4500: nothing comes back; UDP 443: nothing comes back; UDP 53: nothing comes back; TLS: passes',
    ],
    [
      'handshakes dropped',
      { echoes: { 51_820: 1, 443: 1 }, heartbeats: ['tls'] },
      'UDP 51820: echoes pass, WireGuard’s handshake gets no answer; UDP 4500: nothing comes back; UDP 443: echoes pass, WireGuard’s handshake gets no answer; UDP 53: nothing comes back; TLS: passes',
    ],
    [
      'nobody answers through the tunnel',
      { echoes: { 51_820: 1, 443: 1 }, handshakes: EVERYWHERE, heartbeats: [] },
      'UDP 51820: WireGuard shakes hands, heartbeats get no answer; UDP 4500: nothing comes back; UDP 443: passes; UDP 53: nothing comes back; TLS: WireGuard shakes hands, heartbeats get no answer',
    ],
    [
      'nothing at all',
      { echoes: {}, heartbeats: [], tlsMs: null },
      'UDP 51820: nothing comes back; UDP 4500: nothing comes back; UDP 443: nothing comes back; UDP 53: nothing comes back; TLS: could not be opened (no answer)',
    ],
  ])('%s', (_what, line, text) => {
    expect(said(line)).toBe(text)
  })

  test('with the addresses where the hub has several, and no route to one of them', () => {
    const six = { address: '2001:db8:3::10', port: 51_820 }
    let search = beginSearch([six, at(51_820)], 0)
    search = noteEcho(search, six, { kind: 'no-route' }, 1)
    search = noteEcho(search, at(51_820), { kind: 'passes', roundTripMs: 1 }, 2)
    expect(firstEndpoint(search, 2)).toEqual(at(51_820))
    expect(lineText(lineReport(search, 'hub.example:51820'))).toBe(
      'UDP [2001:db8:3::10]:51820: no route leads there from here; UDP 203.0.113.10:51820: passes; TLS: passes',
    )
  })
})
