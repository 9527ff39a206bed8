import { isIPv6 } from 'node:net'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'

/**
 * Blocks what one address sends to one UDP port of this machine, for a while. The kernel itself ends it: the address is an
 * element with a timeout (nft(8), "SETS"), so that whoever made the block may die, and the machine's clock may be set.
 */

/** No other table is touched. It is empty of effect once its element has timed out, and is removed then. */
const TABLE = 'inet homeward_drill'

/** Before connection tracking and every translation of ports (nft(8), priority raw is -300), as if it never came. */
const PRIORITY = -310

const COMMAND_MS = 5_000

/** The lines for `nft -f`, one transaction. Pure. */
export function blockRules(address: string, port: number, seconds: number): string {
  const [type, match] = isIPv6(address) ? ['ipv6_addr', 'ip6'] : ['ipv4_addr', 'ip']
  return `table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
  set from {
    type ${type}
    flags timeout
    elements = { ${address} timeout ${seconds}s }
  }
  chain block {
    type filter hook prerouting priority ${PRIORITY}; policy accept;
    ${match} saddr @from udp dport ${port} drop
  }
}
`
}

/** @param seconds whole, 1 or more. @throws {Problem} `command-failed` and such. */
export async function blockSender(address: string, port: number, seconds: number): Promise<void> {
  await runCommand('nft', ['-f', '-'], { input: blockRules(address, port, seconds), timeoutMs: COMMAND_MS })
}

/** Takes the block back, and what is left of one; none is also fine. Never throws. */
export async function unblockSenders(): Promise<void> {
  await tryCommand('nft', ['delete', 'table', ...TABLE.split(' ')], { timeoutMs: COMMAND_MS }).catch(() => undefined)
}
