import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { AgentConfig } from '../../../agent/settings/config.ts'
import { agentConfigText, rejoinedConfigText } from '../../../agent/settings/config-text.ts'
import { rejoinedConfig } from '../../../agent/membership/joined-config.ts'
import type { JoinToken } from '../../../protocol/token.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'
import { sampleConfig } from '../sample-config.ts'

const key = (byte: number) => parsePublicKey(Buffer.alloc(32, byte).toString('base64'))

const token: JoinToken = {
  home: 'cabin',
  addresses: ['hub.example.net', '198.51.100.7'],
  port: 443,
  hubPublicKey: key(7),
  certificate: 'cd'.repeat(32),
  joinSecret: 'x'.repeat(43),
}
const answer = {
  home: 'cabin',
  address: '10.99.0.5',
  network: '10.99.0.0/16',
  hubAddress: '10.99.0.1',
  heartbeatPort: 51_821,
  hubPublicKey: key(7),
  port: 51_999,
  alternatePorts: [4500],
  lan: ['10.0.0.0/24'],
  mtu: 1420,
}
const again = (before: AgentConfig, mtu = 1420): AgentConfig =>
  rejoinedConfig(before, token, { answer: { ...answer, mtu }, host: '198.51.100.7', publicKey: key(9) })

/** Everything that its owner may have changed. */
const tuned: AgentConfig = {
  ...sampleConfig,
  interface: 'wan7',
  mtu: 1400,
  keepaliveSeconds: 20,
  heartbeatSeconds: 7,
  economy: true,
  beacons: ['192.0.2.1:443'],
  rotateKeys: '0 4 1 * *',
  metricsPort: 9187,
  lan: {
    mode: 'routed',
    prefixes: ['192.168.1.0/24'],
    exit: true,
    seenAs: { '192.168.1.0/24': '10.168.1.0/24' },
  },
}

describe('agent.yaml after another join', () => {
  test('has the new hub and key, and every setting of its owner', () => {
    const { hubs, publicKey, ...rest } = again(tuned)
    const { hubs: _, publicKey: __, ...before } = tuned
    expect(rest).toEqual(before)
    expect(publicKey).toBe(key(9))
    expect(hubs).toHaveLength(tuned.hubs.length)
    expect(hubs[0]).toEqual({
      addresses: ['198.51.100.7', 'hub.example.net'],
      port: 51_999,
      alternatePorts: [4500],
      publicKey: key(7),
      certificate: token.certificate,
      network: '10.99.0.0/16',
      address: '10.99.0.5',
      hubAddress: '10.99.0.1',
      heartbeatPort: 51_821,
    })
  })

  test('sends no larger packets than the new hub bears', () => {
    expect(again(tuned, 1280).mtu).toBe(1280)
  })

  test('keeps its owner’s remarks and order', () => {
    const text = agentConfigText(tuned)
      .replace('heartbeatSeconds: 7', 'heartbeatSeconds: 7 # for the satellite')
      .replace(/^economy: true\n/m, '')
    const config = again(tuned, 1280)
    const after = rejoinedConfigText(`${text}economy: true\n`, config)
    expect(parse(after)).toEqual(config)
    expect(after).toContain('heartbeatSeconds: 7 # for the satellite')
    expect(after.trimEnd().endsWith('economy: true')).toBe(true)
    expect(after).toContain('# WireGuard’s own keepalive.')
  })
})
