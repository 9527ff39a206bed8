import { overlaps } from './prefix.ts'

/**
 * Networks that a tunnel may have, the likeliest to be free first: none of them is a default of home routers, of Docker
 * (172.17 to 172.20), or of the large clouds (10.0, 10.10, 10.128, 172.31).
 */
const CANDIDATES: readonly string[] = [
  ...['10.86', '10.186', '10.203', '172.29', '172.27', '172.22'].map((first) => `${first}.0.0/16`),
  '192.168.186.0/24',
  ...Array.from({ length: 255 }, (_, index) => `10.${index + 1}.0.0/16`),
  ...Array.from({ length: 14 }, (_, index) => `172.${index + 17}.0.0/16`),
  ...Array.from({ length: 253 }, (_, index) => `192.168.${index + 2}.0/24`),
]

/** A private network for a tunnel that overlaps nothing of what is taken; null: there is none. */
export function freeTunnelNetwork(taken: readonly string[]): string | null {
  return CANDIDATES.find((candidate) => taken.every((other) => !overlaps(candidate, other))) ?? null
}
