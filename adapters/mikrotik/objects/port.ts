import { randomInt } from 'node:crypto'
import type { Row } from '../api/session.ts'

/** The dynamic ports, which nobody registered (RFC 6335, section 6). */
const FIRST = 49_152
const LAST = 65_535

/** A random UDP port that no WireGuard interface of the router has. */
export function freePort(interfaces: readonly Row[]): number {
  const taken = new Set(interfaces.map((row) => Number(row['listen-port'])))
  for (;;) {
    const port = randomInt(FIRST, LAST + 1)
    if (!taken.has(port)) return port
  }
}
