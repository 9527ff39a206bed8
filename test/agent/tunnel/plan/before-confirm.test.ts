import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Adapter } from '../../../../adapters/adapter.ts'
import type { Observation } from '../../../../adapters/observation.ts'
import { makeBeforeConfirm } from '../../../../agent/tunnel/plan/before-confirm.ts'
import type { RouterConfig, TunnelConfig } from '../../../../agent/settings/config.ts'
import type { PublicKey } from '../../../../wireguard/keys.ts'
import { type HeartbeatHub, startHeartbeatHub } from '../../probes/heartbeat-hub.ts'
import { sampleRouter, sampleTunnel } from '../../sample-config.ts'

const newKey = (): PublicKey => randomBytes(32).toString('base64') as PublicKey
const signal = new AbortController().signal
const create = { kind: 'create-interface', interface: 'hw0' } as const
const setPeers = { kind: 'set-peers', interface: 'hw0', peers: [] } as const

let hub: HeartbeatHub
beforeEach(async () => {
  hub = await startHeartbeatHub()
})
afterEach(() => hub.close())

/** A home on a router whose interface has this key. */
function homeOn(router: RouterConfig, key: PublicKey | null, wasUp = true, carries = false) {
  const looks: string[] = []
  const followed: PublicKey[] = []
  const config: TunnelConfig = {
    ...sampleTunnel,
    router,
    hub: { ...sampleTunnel.hub, hubAddress: '127.0.0.1', heartbeatPort: hub.port },
  }
  const adapter = {
    observe: async () => {
      looks.push('at the machine')
      const interfaces = key === null ? [] : [{ name: config.interface, publicKey: key }]
      return { interfaces } as unknown as Observation
    },
  } as unknown as Adapter
  const beforeConfirm = makeBeforeConfirm({
    adapter,
    config: () => config,
    wasUp: () => wasUp,
    carries: async () => carries,
    followKey: async (publicKey) => void followed.push(publicKey),
  })
  return { beforeConfirm, looks, followed }
}

describe('before a router’s peer is set', () => {
  test('the hub is told the key of an interface that was just made', async () => {
    const key = newKey()
    const { beforeConfirm, followed } = homeOn(sampleRouter, key)
    for (const step of [create, setPeers]) await beforeConfirm.beforeStep(step, signal)
    expect(followed).toEqual([key])
  })

  test('an interface that was there is not looked at again', async () => {
    const { beforeConfirm, looks } = homeOn(sampleRouter, newKey())
    await beforeConfirm.beforeStep(setPeers, signal)
    expect(looks).toEqual([])
  })

  test('a key that the hub knows is nothing new, and one that this machine made is not the router’s', async () => {
    const known = homeOn(sampleRouter, sampleTunnel.publicKey)
    const here = homeOn({ kind: 'linux' }, newKey())
    for (const { beforeConfirm, followed } of [known, here]) {
      for (const step of [create, setPeers]) await beforeConfirm.beforeStep(step, signal)
      expect(followed).toEqual([])
    }
  })
})

describe('before a router keeps what was changed', () => {
  test('an answered heartbeat proves the tunnel', async () => {
    const { beforeConfirm } = homeOn(sampleRouter, null)
    await beforeConfirm.prove(signal)
    expect(hub.sequences.length).toBeGreaterThan(0)
  })

  test('a tunnel that was down before is not waited for', async () => {
    hub.fallSilent()
    await homeOn(sampleRouter, null, false).beforeConfirm.prove(signal)
    expect(hub.sequences.length).toBe(0)
  })

  test('a hub whose daemon is gone refuses, which proves nothing; what carries without it does', async () => {
    await hub.close()
    await homeOn(sampleRouter, null, true, true).beforeConfirm.prove(signal)
    const early = AbortSignal.timeout(1_500)
    await expect(homeOn(sampleRouter, null, true, false).beforeConfirm.prove(early)).rejects.toThrow(/aborted/)
    hub = await startHeartbeatHub()
  })

  test('one that carried before and is silent now is a reason to undo the change', { timeout: 30_000 }, async () => {
    hub.fallSilent()
    const { beforeConfirm } = homeOn(sampleRouter, null)
    await expect(beforeConfirm.prove(signal)).rejects.toMatchObject({ code: 'tunnel-unproven' })
    expect(hub.sequences.length).toBeGreaterThan(30)
  })
})
