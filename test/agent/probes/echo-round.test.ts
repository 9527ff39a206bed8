import { describe, expect, test } from 'vitest'
import { type AskEndpoint, askRound, askSizes, type RoundPlan } from '../../../agent/probes/echo-round.ts'
import type { PeerView } from '../../../protocol/datagrams/echo.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { type Endpoint, formatEndpoint } from '../../../wireguard/spec.ts'

const view: PeerView = { peerKnown: true, handshakeSeconds: 1, heardSeconds: 2, initiatedSeconds: null }
const [first, other, moved, over6]: readonly [Endpoint, Endpoint, Endpoint, Endpoint] = [
  { address: '203.0.113.10', port: 51_820 },
  { address: '203.0.113.10', port: 4_500 },
  { address: '203.0.113.99', port: 51_820 },
  { address: '2001:db8::10', port: 51_820 },
]

/** A hub that answers on some ways after so many milliseconds. */
function hub(answers: ReadonlyMap<Endpoint, number>, asked: string[] = []): AskEndpoint {
  const delays = new Map([...answers].map(([endpoint, ms]) => [formatEndpoint(endpoint), ms]))
  return async (endpoint, _options, signal) => {
    asked.push(formatEndpoint(endpoint))
    const delayMs = delays.get(formatEndpoint(endpoint))
    await sleep(delayMs ?? 60_000, signal)
    return delayMs === undefined || signal.aborted ? null : { endpoint, roundTripMs: delayMs, view }
  }
}

const plan = (change: Partial<RoundPlan> = {}): RoundPlan => ({
  endpoints: [first, other],
  port: 51_820,
  current: first,
  isTransport: false,
  trusted: [],
  resolve: async () => null,
  ...change,
})
const forever = new AbortController().signal

describe('a round of echoes', () => {
  test('ends as soon as the way in use has answered', async () => {
    const all = askRound(plan(), 7, hub(new Map()), forever)
    const soon = askRound(plan(), 7, hub(new Map([[first, 10]])), forever)
    // Begun at one moment: whichever ends first took less, however slow the machine is.
    expect(await Promise.race([all.then(() => 'after its time'), soon.then(() => 'at once')])).toBe('at once')
    const { round, view: said } = await soon
    expect(round).toMatchObject({ askedAt: 7, current: first, answered: [first], silent: [other], named: null })
    expect(said).toEqual(view)
  })

  test('gives the way in use a moment after another one answered', async () => {
    const both = new Map([
      [other, 10],
      [first, 150],
    ])
    expect((await askRound(plan(), 0, hub(both), forever)).round.answered).toEqual([first, other])
    expect((await askRound(plan(), 0, hub(new Map([[other, 10]])), forever)).round.answered).toEqual([other])
  })

  test('that nobody answers ends by itself, and says nothing of the hub', async () => {
    const { round, view: said } = await askRound(plan(), 0, hub(new Map()), forever)
    expect(round).toMatchObject({ answered: [], silent: [first, other], preferred: first })
    expect(said).toBeNull()
  })

  test('asks where the hub’s name leads now, and prefers that', async () => {
    const resolve = async () => ({ named: [moved.address], endpoints: [moved] })
    const { round } = await askRound(plan({ resolve }), 0, hub(new Map([[moved, 10]])), forever)
    expect(round).toMatchObject({ named: [moved.address], answered: [moved], preferred: moved })
  })

  test('prefers the hub’s own address to one that only a name says, and where nothing answers', async () => {
    const resolve = async () => ({ named: [moved.address], endpoints: [moved] })
    const astray = plan({ endpoints: [moved, first], current: first, trusted: [first.address], resolve })
    expect((await askRound(astray, 0, hub(new Map([[first, 10]])), forever)).round.preferred).toEqual(first)
    expect((await askRound(astray, 0, hub(new Map()), forever)).round.preferred).toEqual(first)
    // It answered from there: the hub has moved, or has that address too.
    const both = new Map([
      [first, 300],
      [moved, 10],
    ] as const)
    expect((await askRound(astray, 0, hub(both), forever)).round.preferred).toEqual(moved)
    // Nothing is known but the name.
    expect((await askRound({ ...astray, trusted: [] }, 0, hub(new Map()), forever)).round.preferred).toEqual(moved)
  })

  test('asks IPv6 a quarter of a second ahead, and prefers it where it answers', async () => {
    const asked: string[] = []
    const both = new Map([
      [over6, 300],
      [first, 10],
    ])
    const raced = plan({ endpoints: [first, over6], current: null })
    const { round } = await askRound(raced, 0, hub(both, asked), forever)
    expect(asked).toEqual([formatEndpoint(over6), formatEndpoint(first)])
    expect(round.preferred).toEqual(over6)
    const alone = await askRound(raced, 0, hub(new Map([[first, 10]])), forever)
    expect(alone.round.preferred).toEqual(first)
  })

  test('ends with its signal', async () => {
    const ending = new AbortController()
    const running = askRound(plan(), 0, hub(new Map()), ending.signal)
    ending.abort()
    expect((await running).round.answered).toEqual([])
  })
})

test('sizes are asked as WireGuard’s packets are: the tunnel’s MTU and 32 bytes', async () => {
  const bytes: (number | undefined)[] = []
  const ask: AskEndpoint = async (endpoint, options) => {
    bytes.push(options.bytes)
    return (options.bytes ?? 0) > 1_300 ? null : { endpoint, roundTripMs: 1, view }
  }
  expect(await askSizes(first, [1_420, 1_280, 1_220], ask, forever)).toEqual({
    passed: [1_220],
    smallPassed: true,
  })
  expect(bytes).toEqual([undefined, 1_452, 1_312, 1_252])
})
