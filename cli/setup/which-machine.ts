import type { Role } from './options.ts'

/** What a machine shows of where it stands. */
export interface MachineSigns {
  /** IPv4 addresses of its interfaces that are of the internet. IPv6 ones are no sign: homes have them too. */
  readonly publicAddresses: readonly string[]
  /** Whose machine its firmware says that it is; null: nobody's that is known. */
  readonly provider: string | null
  /** What its device tree calls it, as on ARM boards; null: it has none. */
  readonly board: string | null
}

/** Guesses which of the two machines this is. Pure. @returns the reason too, in words for people. */
export function guessRole({ publicAddresses, provider, board }: MachineSigns): { role: Role; why: string } {
  if (board !== null && /raspberry pi/i.test(board)) return { role: 'home', why: 'it is a Raspberry Pi' }
  if (provider !== null) return { role: 'hub', why: `it is a machine of ${provider}` }
  const [address] = publicAddresses
  if (address !== undefined) return { role: 'hub', why: `it has the public address ${address}` }
  return { role: 'home', why: 'none of its interfaces has a public IPv4 address' }
}
