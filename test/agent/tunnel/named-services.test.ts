import { expect, test } from 'vitest'
import { makeNamedServices } from '../../../agent/tunnel/named-services.ts'
import type { NamedTarget } from '../../../protocol/publications.ts'
import { makeLog } from '../../../system/process/log.ts'
import { sampleTunnel } from '../sample-config.ts'

const log = makeLog('agent')
log.level = 'silent'

const NAS: NamedTarget = {
  protocol: 'tcp',
  port: 8080,
  lastPort: 8080,
  host: 'nas.lan',
  address: '192.168.1.20',
  targetPort: 80,
  source: null,
}

test('a service that moved is asked for at its new address once, and again after a hub that did not answer', async () => {
  const ended = new AbortController()
  const moves: string[] = []
  let looks = 0
  const services = makeNamedServices({
    config: () => sampleTunnel,
    move: async (target, address) => {
      moves.push(`${target.address} ${address}`)
      if (moves.length === 1) throw new Error('no answer')
    },
    looks: {
      resolve: async () => {
        looks += 1
        if (looks === 5) ended.abort()
        return ['192.168.1.21']
      },
      accepts: async () => false,
    },
    everyMs: 1,
    log,
  })
  services.take([NAS])
  // An older hub does not say: what is known stays.
  services.take(undefined)
  await services.run(ended.signal)
  expect(moves).toEqual(['192.168.1.20 192.168.1.21', '192.168.1.20 192.168.1.21'])
})
