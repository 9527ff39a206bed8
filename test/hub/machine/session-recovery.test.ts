import { expect, test } from 'vitest'
import { makeSessionRecovery } from '../../../hub/machine/session-recovery.ts'
import { makePeerMonitor } from '../../../hub/presence/peer-monitor.ts'
import { Problem } from '../../../problems/problem.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import type { Endpoint, PeerSpec } from '../../../wireguard/spec.ts'
import { captureLog } from '../captured-log.ts'
import { newKey } from '../loopback-hub.ts'
import { paperMachine } from '../paper-machine.ts'
import { turnedClock } from '../turned-clock.ts'

const PLACE: Endpoint = { address: '198.51.100.11', port: 37_923 }
const tried = (address: string, publicKey: PublicKey) => {
  const peer: PeerSpec = { publicKey, presharedKeyId: null, endpoint: null, allowedIps: [], keepaliveSeconds: 0 }
  return { name: address, address, peer }
}
const cabin = tried('10.86.0.2', newKey())
const lodge = tried('10.86.0.3', newKey())

/** What `wg show dump` says of each peer: where it is, and when it last shook hands (0: never). */
type Seen = ReadonlyMap<PublicKey, readonly [endpoint: string, handshakeAt: number]>

async function scene(first: Seen) {
  let seen = first
  let looks = 0
  const clock = turnedClock()
  const { log, lines } = captureLog()
  const peerMonitor = makePeerMonitor(
    () => 'hw0',
    clock,
    log,
    async () => {
      looks += 1
      const peers = [...seen].map(
        ([key, [endpoint, at]]) => `${key}\t(none)\t${endpoint}\t10.86.0.2/32\t${at}\t0\t0\toff\n`,
      )
      return `(hidden)\t(none)\t51820\toff\n${peers.join('')}`
    },
  )
  await peerMonitor.look()
  const placed: (readonly PeerSpec[])[] = []
  const knocked: (readonly string[])[] = []
  let problem: Problem | null = null
  const recovery = makeSessionRecovery({
    adapter: {
      ...paperMachine(),
      execute: async (step) => {
        if (problem !== null) throw problem
        if (step.kind === 'set-peers') placed.push(step.peers)
      },
    },
    peerMonitor,
    lastEndpoints: { of: () => PLACE, note: () => undefined, keep: () => undefined, save: async () => undefined },
    triggerHandshakes: (addresses) => void knocked.push(addresses),
    clock,
    log,
  })
  return {
    recovery,
    clock,
    placed,
    knocked,
    looks: () => looks,
    sees: (now: Seen) => void (seen = now),
    fails: (now: Problem | null) => void (problem = now),
    said: () => lines.map((line) => line['msg']),
  }
}

const LOST: readonly [string, number] = ['(none)', 0]
const WELL: readonly [string, number] = ['198.51.100.11:37923', 1_763_892_000]

test('who never shook hands here is put where it was last seen, and knocked at; who did is left alone', async () => {
  const { recovery, placed, knocked } = await scene(
    new Map([
      [cabin.peer.publicKey, LOST],
      [lodge.peer.publicKey, WELL],
    ]),
  )
  await recovery.call('hw0', [cabin, lodge])
  expect(placed).toEqual([[{ ...cabin.peer, endpoint: PLACE }]])
  expect(knocked).toEqual([[cabin.address]])
})

test('who comes by itself meanwhile keeps the place that WireGuard learned', async () => {
  const { recovery, placed, sees, looks } = await scene(new Map([[cabin.peer.publicKey, LOST]]))
  sees(new Map([[cabin.peer.publicKey, WELL]]))
  await recovery.call('hw0', [cabin])
  expect([looks(), placed]).toEqual([2, []])
})

test('where the places cannot be set nobody is knocked at, and the next call tries at once', async () => {
  const { recovery, knocked, fails, said, clock } = await scene(new Map([[cabin.peer.publicKey, LOST]]))
  fails(new Problem('step-failed', { what: 'setting peers', why: 'no' }))
  await recovery.call('hw0', [cabin])
  expect(knocked).toEqual([])
  expect(said()).toEqual(['peers could not be given the places where they were last seen'])
  fails(null)
  clock.turn(1_000)
  await recovery.call('hw0', [cabin])
  expect(knocked).toEqual([[cabin.address]])
})

test('is told of once, and a peer that was put in anew is called again at once', async () => {
  const { recovery, knocked, said, clock } = await scene(new Map([[cabin.peer.publicKey, LOST]]))
  await recovery.call('hw0', [cabin])
  clock.turn(5_000)
  await recovery.call('hw0', [cabin])
  expect(said()).toHaveLength(1)
  recovery.beginAnew([cabin.peer])
  await recovery.call('hw0', [cabin])
  expect(knocked).toEqual([[cabin.address], [cabin.address], [cabin.address]])
})
