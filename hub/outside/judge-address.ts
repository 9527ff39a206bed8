import { isOnInternet } from '../../net/on-internet.ts'
import { isIn } from '../../net/prefix.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { StunAnswer, StunRound } from './ask-stun.ts'

/** How this machine is reached from the internet, as far as it can tell by itself. */
export type OutsideAddress =
  /** An interface of this machine has it. */
  | { readonly kind: 'own'; readonly address: string }
  /** Somebody in front of this machine seems to map it here, one to one. Only a packet that arrives proves that. */
  | {
      readonly kind: 'mapped'
      readonly address: string
      readonly local: string
      /** Who saw it, and who said nothing. */
      readonly seenBy: readonly string[]
      readonly silent: readonly string[]
      /** Its own address is of the network between carriers and their customers (RFC 6598). */
      readonly maybeCarrier: boolean
    }
  /** What was seen is no address that others could connect to. */
  | { readonly kind: 'unusable'; readonly local: string; readonly why: string }
  /** Nobody said anything. */
  | { readonly kind: 'unknown'; readonly local: string | null; readonly why: string }

const CARRIER = ['100.64.0.0/10']

/**
 * Compares what STUN servers saw with what this machine has. Pure.
 * @param local the address that packets to the internet leave with. @param own all addresses of this machine.
 */
export function judgeAddress(local: string, own: readonly string[], { localPort, answers }: StunRound): OutsideAddress {
  const seen = answers.flatMap((answer) => (answer.mapped === null ? [] : [{ ...answer, mapped: answer.mapped }]))
  const [first] = seen
  if (first === undefined) return { kind: 'unknown', local, why: silenceOf(answers) }
  const unusable = (why: string): OutsideAddress => ({ kind: 'unusable', local, why })
  const sight = seen
    .map(({ server, mapped }) => `${server.host} sees ${hostPort(mapped.address, mapped.port)}`)
    .join(', ')
  if (seen.some(({ mapped }) => mapped.address !== first.mapped.address))
    return unusable(
      `the servers disagree: ${sight}. More than one NAT is in the way, or one whose address depends on where a packet goes`,
    )
  const { address } = first.mapped
  if (!isOnInternet(address)) return unusable(`${sight}, and ${address} is not an address of the internet`)
  if (own.includes(address)) return { kind: 'own', address }
  if (seen.some(({ mapped }) => mapped.port !== first.mapped.port))
    return unusable(`${sight}: a NAT that gives each destination another port lets nobody in (a symmetric NAT)`)
  if (first.mapped.port !== localPort)
    return unusable(
      `${sight}, and the request left from port ${localPort}: a NAT that changes ports shares its address with others, while a provider’s mapping keeps them`,
    )
  return {
    kind: 'mapped',
    address,
    local,
    seenBy: seen.map(({ server }) => server.host),
    silent: answers.filter(({ mapped }) => mapped === null).map(({ server }) => server.host),
    maybeCarrier: isIn(local, CARRIER),
  }
}

function silenceOf(answers: readonly StunAnswer[]): string {
  if (answers.length === 0) return 'no STUN server was asked'
  return `no STUN server said how it sees this machine (${answers.map(({ server, why }) => `${hostPort(server.host, server.port)}: ${why}`).join('; ')})`
}
