import { requireRoot } from '../../agent/membership/require-root.ts'
import { retractAll } from '../../alerts/delivery/retract.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'

const LONGEST_MS = 30_000

/** `homeward alert retract`, which `uninstall --purge` runs: exit status 2 when a broker does not answer. */
export async function alertRetract(context: Context): Promise<void> {
  requireRoot('clearing what brokers keep')
  const left = await retractAll(context.stateDir, AbortSignal.timeout(LONGEST_MS))
  printFacts(context, { left }, () =>
    left.length === 0
      ? 'Home Assistant no longer shows anything of this machine'
      : left.map((broker) => `Home Assistant’s broker ${broker} does not answer: it keeps what it shows`).join('\n'),
  )
  if (left.length > 0) process.exitCode = 2
}
