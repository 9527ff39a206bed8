import { Problem } from '../../problems/problem.ts'
import { parseRange, type PublishedRange } from '../../protocol/publications.ts'

/** @throws {Problem} `publication-invalid`. */
export function rangeOf(ports: string): PublishedRange {
  const range = parseRange(ports)
  if (range !== null) return range
  throw new Problem('publication-invalid', {
    what: `reading ${JSON.stringify(ports)}`,
    why: 'it is not PORT/tcp, PORT/udp or FIRST-LAST/tcp',
  })
}
