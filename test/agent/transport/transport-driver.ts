import { createInterface } from 'node:readline'
import { openTlsTransport } from '../../../agent/transport/tls-transport.ts'
import { readAgentConfig, tunnelsOf } from '../../../agent/settings/config.ts'
import { readBearer } from '../../../agent/secrets/secrets.ts'
import { systemClock } from '../../../system/time/clock.ts'

/**
 * The home's end of a transport in a process of its own, since it works in the network it runs in. Bundled by the harness
 * and started on a host that has joined. Says where WireGuard is to send, and tells of itself at each line it is sent.
 */
export interface CarrierDriverSays {
  readonly port?: number
  readonly sentBytes?: number
  readonly receivedBytes?: number
  readonly dropped?: number
  readonly rssBytes?: number
  readonly ended?: string
}

const say = (what: CarrierDriverSays): void => console.log(JSON.stringify(what))

const configDir = process.env['HOMEWARD_CONFIG_DIR'] ?? ''
const config = await readAgentConfig(configDir)
const [{ hub }] = tunnelsOf(config)
const { addresses: hosts, port, certificate } = hub
const ending = new AbortController()
const bearer = await readBearer({ configDir, stateDir: null }, config.home)
const transport = await openTlsTransport({ hosts, port, certificate }, bearer, systemClock, ending.signal)

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'hold') transport.hold()
    if (line === 'release') transport.release()
    say({ ...transport.counts(), rssBytes: process.memoryUsage.rss() })
  })
  .once('close', () => ending.abort())
process.once('SIGTERM', () => ending.abort())
say({ port: transport.endpoint.port })
say({ ended: await transport.ended })
process.exit(0)
