import * as v from 'valibot'
import { findOutsideAddress } from '../../hub/outside/find-address.ts'
import type { OutsideAddress } from '../../hub/outside/judge-address.ts'
import { STUN_SERVERS, stunServersIn } from '../../hub/outside/stun-servers.ts'
import { Problem } from '../../problems/problem.ts'
import { HostSchema } from '../../protocol/addresses.ts'
import { tell } from '../output.ts'

const ADDRESS_OPTION = 'Pass --address with its public address or name, which the provider’s console shows'

/**
 * Finds out how this machine is reached from outside, where nobody said it. What only STUN servers say is a proposal: it
 * is asked about at a terminal, and --yes does not answer that, since it means "go ahead" and not "that is right".
 * @param stun servers, as typed. @throws {Problem} `wrong-usage` where nobody can be asked, `interrupted`.
 */
export async function chooseAddress(what: string, stun: string | undefined): Promise<string> {
  return await addressOf(what, await lookOutside(stun))
}

/** @param stun servers, as typed. @throws {Problem} `wrong-usage`. */
export async function lookOutside(stun: string | undefined): Promise<OutsideAddress> {
  return await findOutsideAddress(stun === undefined ? STUN_SERVERS : stunServersIn(stun))
}

/** The address that was found, or that a person gives instead. @throws {Problem} `wrong-usage`, `interrupted`. */
export async function addressOf(what: string, found: OutsideAddress): Promise<string> {
  if (found.kind === 'own') {
    tell(`This machine is reached at ${found.address} (another address or a name: --address HOST).`)
    return found.address
  }
  const { why, next } = explained(found)
  // An installer reads the address from the standard output.
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new Problem('wrong-usage', { what, why, next })
  tell(`${why[0]?.toUpperCase() ?? ''}${why.slice(1)}.`)
  return await askAddress(what, found.kind === 'mapped' ? found.address : '')
}

/** Why this is asked, and what to do where nobody can be. */
export function explained(found: Exclude<OutsideAddress, { kind: 'own' }>): {
  readonly why: string
  readonly next: string
} {
  const own = found.local === null ? '' : `this machine’s own address is ${found.local}, not one of the internet`
  if (found.kind !== 'mapped') {
    const next =
      found.kind === 'unknown'
        ? ADDRESS_OPTION
        : `A hub needs a public address of its own. ${ADDRESS_OPTION}, if the provider maps one to this machine`
    return { why: [own, found.why].filter((part) => part !== '').join(', and '), next }
  }
  const { address, seenBy, silent, maybeCarrier } = found
  const sight = `${seenBy.join(' and ')} ${seenBy.length === 1 ? 'sees' : 'see'} it at ${address}`
  const alone = silent.length === 0 ? '' : ` (${silent.join(' and ')} did not answer)`
  // A shared NAT that happened to keep the port looks the same (RFC 4787, 4.2.1: port preservation).
  const doubt = maybeCarrier
    ? `. ${found.local} is of the range that carriers use for customers behind their NAT (RFC 6598); behind one it would look the same, and nobody could connect`
    : ''
  return {
    why: `${own}, and ${sight}${alone}. So the provider most likely maps ${address} to it; that is proven only when the first home has joined${doubt}`,
    next: `Compare ${address} with the public address that the provider’s console shows for this machine. If it is the same, pass --address ${address}, or a name that leads there`,
  }
}

async function askAddress(what: string, proposal: string): Promise<string> {
  const { isCancel, text } = await import('@clack/prompts')
  const given = await text({
    message: 'At which address or name is this machine reached from outside?',
    initialValue: proposal,
    validate: (typed) => (v.is(HostSchema, typed?.trim()) ? undefined : 'Give an address or a host name'),
    output: process.stderr,
  })
  if (isCancel(given)) throw new Problem('interrupted', { what, why: 'nothing was given' })
  return given.trim()
}
