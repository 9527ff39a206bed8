import { describe, expect, test } from 'vitest'
import { makePeerMonitor, type PeerMonitor } from '../../../hub/presence/peer-monitor.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'
import { captureLog } from '../captured-log.ts'
import { type TurnedClock, turnedClock } from '../turned-clock.ts'

const KEY = parsePublicKey(`${'A'.repeat(43)}=`)
const OTHER = parsePublicKey(`${'B'.repeat(42)}A=`)

interface Peer {
  readonly handshakeAt: number
  readonly rx: number
  readonly endpoint?: string
}

/** What `wg show hw0 dump` says of one peer. */
function dumpOf({ handshakeAt, rx, endpoint = '198.51.100.11:40233' }: Peer): string {
  return `(hidden)\t(none)\t51820\toff\n${[KEY, '(none)', endpoint, '10.86.0.2/32', handshakeAt, rx, 7, 'off'].join('\t')}\n`
}

interface Scene {
  readonly clock: TurnedClock
  readonly peerMonitor: PeerMonitor
  readonly lines: readonly Record<string, unknown>[]
  /** The next look sees this; null: the interface is gone. */
  readonly show: (peer: Peer | null) => Promise<void>
}

function scene(): Scene {
  const clock = turnedClock()
  const { log, lines } = captureLog()
  let said: string | null = null
  const peerMonitor = makePeerMonitor(
    () => 'hw0',
    clock,
    log,
    async () => {
      if (said === null) throw new Error('No such device')
      return said
    },
  )
  return {
    clock,
    peerMonitor,
    lines,
    show: async (peer) => {
      said = peer === null ? null : dumpOf(peer)
      await peerMonitor.look()
    },
  }
}

const seconds = (clock: TurnedClock): number => Math.floor(clock.wall().getTime() / 1000)

describe('what the hub sees of a home', () => {
  test('is its mapping and its counters; of a stranger it is nothing', async () => {
    const { clock, peerMonitor, show } = scene()
    await show({ handshakeAt: seconds(clock) - 5, rx: 100 })
    expect(peerMonitor.statsOf(KEY)).toMatchObject({
      endpoint: { address: '198.51.100.11', port: 40233 },
      lastHandshakeSeconds: 5,
      rxBytes: 100,
      txBytes: 7,
      heardSeconds: null,
    })
    expect(peerMonitor.endpoint(KEY)).toEqual({ address: '198.51.100.11', port: 40233 })
    expect(peerMonitor.statsOf(OTHER)).toBeNull()
  })

  test('an NTP step does not change the age of a handshake', async () => {
    const { clock, peerMonitor, show } = scene()
    const handshakeAt = seconds(clock)
    await show({ handshakeAt, rx: 1 })
    clock.turn(3_000)
    clock.stepCalendar(86_400_000)
    await show({ handshakeAt, rx: 1 })
    expect(peerMonitor.statsOf(KEY)?.lastHandshakeSeconds).toBe(3)
    clock.turn(1_000)
    await show({ handshakeAt: seconds(clock), rx: 1 })
    expect(peerMonitor.statsOf(KEY)?.lastHandshakeSeconds).toBe(0)
  })

  test('a handshake from the future of a clock that was set back is new, not negative', async () => {
    const { clock, peerMonitor, show } = scene()
    await show({ handshakeAt: seconds(clock) + 5_000, rx: 1 })
    expect(peerMonitor.statsOf(KEY)?.lastHandshakeSeconds).toBe(0)
  })

  test('no handshake yet is null', async () => {
    const { peerMonitor, show } = scene()
    await show({ handshakeAt: 0, rx: 0, endpoint: '(none)' })
    expect(peerMonitor.statsOf(KEY)).toMatchObject({ endpoint: null, lastHandshakeSeconds: null })
  })

  test('over a carrier of this machine it has no mapping, though all else is known of it', async () => {
    const { clock, peerMonitor, show } = scene()
    await show({ handshakeAt: seconds(clock), rx: 100, endpoint: '127.0.0.1:40233' })
    expect(peerMonitor.statsOf(KEY)).toMatchObject({ endpoint: null, lastHandshakeSeconds: 0, rxBytes: 100 })
    expect(peerMonitor.endpoint(KEY)).toBeNull()
  })

  test('it was heard when its authenticated bytes grew, not when we sent', async () => {
    const { clock, peerMonitor, show } = scene()
    const handshakeAt = seconds(clock)
    await show({ handshakeAt, rx: 100 })
    await show({ handshakeAt, rx: 132 })
    clock.turn(4_000)
    await show({ handshakeAt, rx: 132 })
    expect(peerMonitor.statsOf(KEY)?.heardSeconds).toBe(4)
  })
})

describe('a look that fails', () => {
  test('keeps what was seen, and says how old that is', async () => {
    const { clock, peerMonitor, show } = scene()
    expect(peerMonitor.ageSeconds()).toBeNull()
    await show({ handshakeAt: seconds(clock), rx: 100 })
    clock.turn(9_000)
    await show(null)
    expect(peerMonitor.ageSeconds()).toBe(9)
    expect(peerMonitor.statsOf(KEY)?.lastHandshakeSeconds).toBe(9)
  })

  test('is no news at a boot, where the interface is not made yet, until it should be', async () => {
    const { clock, lines, show } = scene()
    await show(null)
    clock.turn(14_000)
    await show(null)
    expect(lines).toEqual([])
    clock.turn(2_000)
    await show(null)
    await show(null)
    expect(lines).toHaveLength(1)
  })

  test('is logged once, and its end once', async () => {
    const { clock, lines, show } = scene()
    await show({ handshakeAt: seconds(clock), rx: 1 })
    for (let look = 0; look < 5; look += 1) await show(null)
    expect(lines).toHaveLength(1)
    await show({ handshakeAt: seconds(clock), rx: 1 })
    await show({ handshakeAt: seconds(clock), rx: 1 })
    expect(lines).toHaveLength(2)
  })
})
