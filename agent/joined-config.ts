import type { JoinAnswer } from '../protocol/messages.ts'
import type { JoinToken } from '../protocol/token.ts'
import type { PublicKey } from '../wireguard/keys.ts'
import { PERSISTENT_KEEPALIVE_SECONDS } from '../wireguard/timers.ts'
import { type AgentConfig, BEACONS, type LanMode, type RouterConfig } from './config.ts'

export interface JoinChoices {
  readonly router: RouterConfig
  readonly interface: string
  readonly lanMode: LanMode
  readonly economy: boolean
}

/** What agent.yaml holds after a join. @param host the one of the token's addresses that answered: it goes first. */
export function joinedConfig(
  token: JoinToken,
  answer: JoinAnswer,
  host: string,
  publicKey: PublicKey,
  choices: JoinChoices,
): AgentConfig {
  return {
    home: answer.home,
    publicKey,
    router: choices.router,
    interface: choices.interface,
    mtu: answer.mtu,
    keepaliveSeconds: PERSISTENT_KEEPALIVE_SECONDS,
    heartbeatSeconds: 5,
    economy: choices.economy,
    beacons: [...BEACONS],
    rotateKeys: null,
    lan: { mode: choices.lanMode, prefixes: answer.lan },
    hubs: [
      {
        addresses: [host, ...token.addresses.filter((other) => other !== host)],
        port: answer.port,
        alternatePorts: answer.alternatePorts,
        publicKey: token.hubPublicKey,
        certificate: token.certificate,
        network: answer.network,
        address: answer.address,
        hubAddress: answer.hubAddress,
        heartbeatPort: answer.heartbeatPort,
      },
    ],
  }
}
