import type { JoinAnswer } from '../../protocol/messages.ts'
import type { JoinToken } from '../../protocol/token.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { PERSISTENT_KEEPALIVE_SECONDS } from '../../wireguard/timers.ts'
import { ownPrefixes } from '../lan/mapped-lan.ts'
import {
  type AgentConfig,
  REACHABILITY_TARGETS,
  type HubConfig,
  type LanMode,
  type RouterConfig,
} from '../settings/config.ts'
import type { Admission } from './join-request.ts'

export interface JoinChoices {
  readonly router: RouterConfig
  readonly interface: string
  readonly lanMode: LanMode
  readonly economy: boolean
  /** Own prefixes, with the prefixes that the hub shall know them by. */
  readonly seenAs: Readonly<Record<string, string>>
}

/** agent.yaml after a join. @param host the one of the token's addresses that answered: it goes first. */
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
    beacons: [...REACHABILITY_TARGETS],
    rotateKeys: null,
    lan: {
      mode: choices.lanMode,
      prefixes: ownPrefixes(answer.lan, choices.seenAs),
      ...(Object.keys(choices.seenAs).length === 0 ? {} : { seenAs: { ...choices.seenAs } }),
    },
    hubs: [hubOf(token, answer, host)],
  }
}

/** agent.yaml after another join: what the hub gives is new, everything else stays as its owner has it. */
export function rejoinedConfig(
  before: AgentConfig,
  token: JoinToken,
  { answer, host, publicKey }: Pick<Admission, 'answer' | 'host' | 'publicKey'>,
): AgentConfig {
  return {
    ...before,
    home: answer.home,
    publicKey,
    // An MTU lowered by the owner stays so, and the hub's is what its end allows.
    mtu: Math.min(before.mtu, answer.mtu),
    hubs: [hubOf(token, answer, host), ...before.hubs.slice(1)],
  }
}

function hubOf(token: JoinToken, answer: JoinAnswer, host: string): HubConfig {
  return {
    addresses: [host, ...token.addresses.filter((other) => other !== host)],
    port: answer.port,
    alternatePorts: answer.alternatePorts,
    publicKey: token.hubPublicKey,
    certificate: token.certificate,
    network: answer.network,
    address: answer.address,
    hubAddress: answer.hubAddress,
    heartbeatPort: answer.heartbeatPort,
  }
}
