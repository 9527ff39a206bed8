import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { chooseAddress } from './choose-address.ts'

/** `homeward hub address`: how this machine is reached from outside, alone on stdout. Changes nothing; install.sh asks it first. */
export async function hubAddress(context: Context, options: { readonly stun?: string }): Promise<void> {
  const address = await chooseAddress('finding out how this machine is reached from outside', options.stun)
  printFacts(context, { address }, () => address)
}
