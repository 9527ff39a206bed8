import { describe, expect, test } from 'vitest'
import type { RotatedKey } from '../../../../agent/secrets/rotated-key.ts'
import { makeSettings } from '../../../../agent/tunnel/settings/settings.ts'
import { parsePublicKey } from '../../../../wireguard/keys.ts'
import { sampleTunnel, sampleRouter } from '../../sample-config.ts'

const joined = sampleTunnel.publicKey
const publicKey = parsePublicKey(Buffer.alloc(32, 7).toString('base64'))
const rotated: RotatedKey = { schema: 1, joined, publicKey, madeBy: 'agent' }
const other = parsePublicKey(Buffer.alloc(32, 9).toString('base64'))
const hub = sampleTunnel.hub

describe('the settings that count', () => {
  test('are agent.yaml’s, with the key that was rotated in', () => {
    expect(makeSettings(sampleTunnel, null).current).toEqual(sampleTunnel)
    const settings = makeSettings(sampleTunnel, rotated)
    expect(settings.current).toEqual({ ...sampleTunnel, publicKey })
    expect(settings).toMatchObject({ joined, rotated })
  })

  test('follow a new key, and the join’s own again', () => {
    const settings = makeSettings(sampleTunnel, null)
    settings.takeKey(rotated)
    expect(settings).toMatchObject({ current: { publicKey }, joined, rotated })
    settings.takeKey(null)
    expect(settings).toMatchObject({ current: { publicKey: joined }, joined, rotated: null })
  })

  test('keep the new key when agent.yaml changes, and the router that the agent began with', () => {
    const settings = makeSettings(sampleTunnel, rotated)
    expect(settings.take({ ...sampleTunnel, mtu: 1280, router: sampleRouter })).toBe('taken')
    expect(settings.current).toEqual({ ...sampleTunnel, publicKey, mtu: 1280 })
  })
})

describe('whoever asked to be told of a change', () => {
  test('is told of each, in order, when the new ones count already', () => {
    const settings = makeSettings(sampleTunnel, null)
    const heard: string[] = []
    settings.onChange(() => heard.push(`first ${settings.current.mtu}`))
    settings.onChange(() => heard.push(`second ${settings.current.mtu}`))
    settings.take({ ...sampleTunnel, mtu: 1280 })
    settings.take({ ...sampleTunnel, mtu: 1300 })
    expect(heard).toEqual(['first 1280', 'second 1280', 'first 1300', 'second 1300'])
  })

  test('hears nothing of another key, nor of another join', () => {
    const settings = makeSettings(sampleTunnel, null)
    let heard = 0
    settings.onChange(() => (heard += 1))
    settings.takeKey(rotated)
    settings.take({ ...sampleTunnel, home: 'barn' })
    expect(heard).toBe(0)
  })
})

test.each([
  { ...sampleTunnel, home: 'barn' },
  { ...sampleTunnel, publicKey: other },
  { ...sampleTunnel, hub: { ...hub, publicKey: other } },
  { ...sampleTunnel, hub: { ...hub, certificate: 'ef'.repeat(32) } },
  { ...sampleTunnel, hub: { ...hub, address: '10.86.0.3' } },
  { ...sampleTunnel, hub: { ...hub, network: '10.86.0.0/17' } },
])('another join is seen by its home, key, hub or place in the hub’s network', (written) => {
  const settings = makeSettings(sampleTunnel, null)
  expect(settings.take(written)).toBe('joined-again')
  expect(settings.current.home).toBe(written.home)
})

test('a hub that is reached otherwise is the same join', () => {
  const elsewhere = { ...hub, addresses: ['198.51.100.9'], port: 443 }
  expect(makeSettings(sampleTunnel, null).take({ ...sampleTunnel, hub: elsewhere })).toBe('taken')
})
