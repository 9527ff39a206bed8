import { isIP } from 'node:net'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { connectPinned } from '../../protocol/registrar-client.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { within } from '../../system/time/within.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { EchoRound } from '../core/evidence/evidence.ts'
import { resolveEach } from '../registrar/hub-addresses.ts'
import type { HubConfig } from '../settings/config.ts'

/**
 * Whom the hub's names lead to in this network. A router or a LAN's DNS may give the hub's name another address than the
 * internet does (split-horizon DNS), and the hub that answers at an address outranks a name that leads elsewhere.
 */
export interface NameCheck {
  /**
   * Takes a round of echoes, which ends before the names are resolved where the tunnel's own endpoint answers: so they are
   * resolved here, and addresses that no echo came from are asked for their certificate. Never throws.
   */
  readonly note: (round: Pick<EchoRound, 'answered' | 'named'>) => void
  /** Whether somebody with another certificate than the hub's answers at this address. */
  readonly isStranger: (address: string) => boolean
  /** A sentence for each name that leads to somebody else, or to nobody, while the tunnel carries without it. */
  readonly warnings: () => readonly string[]
}

/** Each name of the hub, and the addresses that it resolved to; none when it did not. */
export type NamedAddresses = readonly (readonly [name: string, addresses: readonly string[]])[]

/** Who answers at an address: by the registrar's pinned certificate, another one, or no TLS at all. */
export type Answering = 'hub' | 'somebody-else' | 'nobody'

export interface NameCheckDeps {
  readonly hub: () => HubConfig
  /** Where the hub answers through the tunnel; null while the tunnel does not carry. */
  readonly livingAt: () => Endpoint | null
  readonly resolve?: (names: readonly string[], signal: AbortSignal) => Promise<NamedAddresses | null>
  readonly ask?: (hub: HubConfig, address: string, signal: AbortSignal) => Promise<Answering>
  /** How long a name that did not resolve is left. */
  readonly pauseMs?: number
  readonly clock: Clock
  readonly log: Log
}

/** How often names and addresses are asked: rounds of echoes follow each other within a second while answers are missing. */
const AGAIN_MS = 60_000

const ATTEMPTS = 3
const PAUSE_MS = 5_000

export function makeNameCheck(deps: NameCheckDeps, signal: AbortSignal): NameCheck {
  const { hub, livingAt, resolve = resolveEach, ask = askCertificate, pauseMs = PAUSE_MS, clock, log } = deps
  const known = new Map<string, Answering>()
  const said = new Set<string>()
  let names: NamedAddresses = []
  let lookedAt = -Infinity

  async function look(answered: ReadonlySet<string>): Promise<void> {
    const found = await resolvedSoon()
    // A name that does not resolve now says nothing new.
    if (found === null || signal.aborted) return
    const named = found.filter(([name]) => isIP(name) === 0)
    const addresses = [...new Set(named.flatMap(([, addresses]) => addresses))]
    const answering = await Promise.all(
      addresses.map(async (address) => (answered.has(address) ? 'hub' : await ask(hub(), address, signal))),
    )
    if (signal.aborted) return
    names = named
    known.clear()
    for (const [index, address] of addresses.entries()) known.set(address, answering[index] ?? 'nobody')
    for (const warning of warnings().filter((one) => !said.has(one))) {
      said.add(warning)
      log.warn(warning)
    }
  }

  /** A busy machine may not resolve a name in time, and the next round of echoes may be ten minutes away. */
  async function resolvedSoon(): Promise<NamedAddresses | null> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await resolve(hub().addresses, signal)
      const isOnlyAddresses = hub().addresses.every((address) => isIP(address) !== 0)
      if (found !== null || isOnlyAddresses || attempt === ATTEMPTS || signal.aborted) return found
      await sleep(pauseMs, signal)
    }
  }

  function warnings(): readonly string[] {
    const at = livingAt()
    if (at === null) return []
    return names.flatMap(([name, addresses]) => {
      const isSome = addresses.some((address) => address === at.address || known.get(address) === 'hub')
      return addresses.flatMap((address) => {
        if (address === at.address) return []
        if (known.get(address) === 'somebody-else')
          return [astray(name, address, 'and somebody else answers there', at)]
        // One family of addresses that does not answer says nothing of the name: the other one leads to the hub.
        return known.get(address) === 'nobody' && !isSome ? [astray(name, address, 'where no hub answers', at)] : []
      })
    })
  }

  return {
    note: ({ answered, named }) => {
      // Where the names were resolved in the round, what they led to before is over.
      if (named !== null) names = names.map(([name, led]) => [name, led.filter((one) => named.includes(one))])
      const addresses = new Set(answered.map(({ address }) => address))
      for (const address of addresses) if (known.has(address)) known.set(address, 'hub')
      if (clock.now() - lookedAt < AGAIN_MS) return
      lookedAt = clock.now()
      void look(addresses).catch((thrown: unknown) =>
        log.error({ why: reasonOf(thrown) }, 'names could not be checked'),
      )
    },
    isStranger: (address) => known.get(address) === 'somebody-else',
    warnings,
  }
}

function astray(name: string, address: string, who: string, at: Endpoint): string {
  return `${name} leads to ${address} here, ${who}: the tunnel stays at ${hostPort(at.address, at.port)}, where the hub answers. Let this network’s DNS say ${at.address} for ${name}, or write ${at.address} instead of it under addresses in agent.yaml`
}

/** How long an address is waited for: a busy machine needs longer than the server, and nobody waits for this. */
const CERTIFICATE_MS = 10_000

async function askCertificate(hub: HubConfig, host: string, signal: AbortSignal): Promise<Answering> {
  const { port, certificate } = hub
  try {
    const socket = await within(CERTIFICATE_MS, signal, (cut) =>
      connectPinned({ host, port, certificate }, 'looking whom the hub’s name leads to', cut),
    )
    socket.destroy()
    return 'hub'
  } catch (thrown) {
    return thrown instanceof Problem && thrown.code === 'certificate-mismatch' ? 'somebody-else' : 'nobody'
  }
}
