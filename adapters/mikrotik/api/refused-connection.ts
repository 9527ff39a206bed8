import { Problem, reasonOf } from '../../../problems/problem.ts'

export const PORTS = '8729 is the API’s port with TLS, 8728 the plain one'

/** Why there is no connection to a router's API, in words. A Problem stays as it is. */
export function refusedConnection(what: string, thrown: unknown, port: number): Problem {
  if (thrown instanceof Problem) return thrown
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Problem('name-unresolved', { what, why: 'its name does not resolve', cause: thrown })
  if (thrown instanceof DOMException && thrown.name === 'AbortError') {
    const next = 'Run it again when you are ready'
    return new Problem('interrupted', { what, why: 'it was called off', next, cause: thrown })
  }
  return new Problem('router-unreachable', { what, why: reasonFor(thrown, code, port), cause: thrown })
}

function reasonFor(thrown: unknown, code: string | undefined, port: number): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on port ${port} (${PORTS})`
    case 'ECONNRESET':
      return `it ended the connection at once: its API service may not let this address in, or has too many sessions, or speaks no TLS here (${PORTS})`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route leads to it'
    default:
      if (thrown instanceof DOMException && thrown.name === 'TimeoutError') return `no answer in time (${PORTS})`
      return reasonOf(thrown)
  }
}
