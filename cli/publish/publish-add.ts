import { isIPv4, isIPv6 } from 'node:net'
import { type AgentConfig, readAgentConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { resolveHub } from '../../agent/registrar/hub-addresses.ts'
import { mappedAddress } from '../../agent/lan/mapped-lan.ts'
import { Problem } from '../../problems/problem.ts'
import { UPGRADE } from '../../problems/upgrade.ts'
import { isHost } from '../../protocol/addresses.ts'
import { type ProofLink, type Publication, rangeText, type Source } from '../../protocol/publications.ts'
import { hostPort, parseHostPort } from '../../wireguard/host-port.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { awaitRouter } from '../side/await-router.ts'
import { ownRole } from '../side/own-role.ts'
import { rangeOf } from './publish-range.ts'
import { publishClient } from './publish-client.ts'

export interface PublishOptions {
  readonly source?: string
  readonly home?: string
  readonly outgoing?: true
}

const LOOKUP_MS = 5_000

/** `homeward publish add PORT[-PORT]/tcp|udp HOST:PORT`. */
export async function publishAdd(
  context: Context,
  ports: string,
  target: string,
  options: PublishOptions,
): Promise<void> {
  const range = rangeOf(ports)
  const source = sourceOf(options.source)
  const side = await ownRole(context)
  if (side === 'home' && options.home !== undefined)
    throw new Problem('wrong-usage', { what: 'publishing', why: '--home is for the hub: here it is this home' })
  const { port: targetPort, ...where } = await targetOf(context, target, side, rangeText(range))
  const outgoing = options.outgoing === true ? { outgoing: true } : {}
  const asked = { ...range, ...where, targetPort, source, home: options.home ?? null, ...outgoing }
  const reconcileLoop = await publishClient(context)
  if (side === 'home') await awaitRouter(context)
  const publication = await reconcileLoop.add(asked)
  if (options.outgoing === true) requireOutgoing(publication)
  const { pathText, noteFailure } = await import('./publish-check.ts')
  const links = await reconcileLoop.check(range)
  printFacts(context, { ...publication, links }, (facts) =>
    [publishedText(facts, sourceIn(links) ?? facts.source), pathText(facts.links, side)].join('\n'),
  )
  // The port is published; that nobody gets there yet is another matter.
  noteFailure(links)
}

/** A hub of an older version publishes the port, and knows nothing of the rest. @throws {Problem} `outgoing-refused`. */
function requireOutgoing(publication: Publication): void {
  if (publication.outgoing === true) return
  throw new Problem('outgoing-refused', {
    what: `publishing ${rangeText(publication)} with --outgoing`,
    why: 'the hub’s version does not know it; the port is published, and what the service sends still leaves by the home’s own line',
    next: `Upgrade homeward on the hub (${UPGRADE}), then run this again; or leave it as it is`,
  })
}

/** How visitors are led in fact, where that is not what the publication says. */
function sourceIn(links: readonly ProofLink[]): Source | undefined {
  return links.find((link) => link.source !== undefined)?.source
}

const OUTGOING = 'what it sends to that port of the internet, or from its own, leaves by the hub’s address (--outgoing)'

function publishedText(publication: Publication, source: Source): string {
  const { address, targetPort, home, outgoing } = publication
  const seen = source === 'keep' ? 'sees each visitor’s own address' : 'sees one address for all visitors'
  return `${rangeText(publication)} of the hub leads to ${hostPort(address, targetPort)} at ${home}, which ${seen} (--source ${source})${outgoing === true ? `; ${OUTGOING}` : ''}`
}

function sourceOf(text: string | undefined): Source | null {
  if (text === undefined) return null
  if (text === 'keep' || text === 'hide') return text
  throw new Problem('wrong-usage', { what: 'publishing', why: `--source is keep or hide, not ${JSON.stringify(text)}` })
}

interface Target {
  readonly address: string
  /** The host name that was given. */
  readonly host?: string
  readonly port: number
}

/** @throws {Problem} `publication-invalid`, `name-unresolved`. */
async function targetOf(context: Context, text: string, side: 'home' | 'hub', range: string): Promise<Target> {
  const what = `publishing ${range}`
  const target = parseHostPort(text)
  if (target === null || !isHost(target.host))
    throw new Problem('publication-invalid', { what, why: `${JSON.stringify(text)} is not HOST:PORT` })
  const { host, port } = target
  if (isIPv6(host))
    throw new Problem('publication-invalid', {
      what,
      why: `${host} is an IPv6 address, and services are led to over IPv4`,
    })
  const isOutside = isIPv4(host) && !host.startsWith('127.')
  if (side === 'hub' && isOutside) return { address: host, port }
  if (side === 'hub')
    throw new Problem('publication-invalid', {
      what,
      why: `on the hub the service is named by its address, not ${host}`,
    })
  const config = await readAgentConfig(context.configDir)
  if (isOutside) return { address: mappedAddress(config.lan, host), port }
  if (host === 'localhost' || host.startsWith('127.')) return { address: ownAddress(config, what), port }
  return { address: mappedAddress(config.lan, await resolved(host, what)), host, port }
}

/** This machine's address, where the tunnel ends on it: visitors do not reach its loopback. */
function ownAddress(config: AgentConfig, what: string): string {
  const [{ hub }] = tunnelsOf(config)
  if (config.router.kind === 'linux') return hub.address
  throw new Problem('publication-invalid', {
    what,
    why: 'the tunnel ends on the router, which knows this machine by its address in the LAN',
    next: 'Give that address instead of localhost: hostname -I shows it',
  })
}

async function resolved(host: string, what: string): Promise<string> {
  const addresses = await resolveHub([host], AbortSignal.timeout(LOOKUP_MS))
  const address = addresses?.find(isIPv4)
  if (address !== undefined) return address
  throw new Problem('name-unresolved', { what, why: `${host} has no IPv4 address` })
}
