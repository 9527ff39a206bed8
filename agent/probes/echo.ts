import type { EchoKey } from '../../protocol/datagrams/echo.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { type EchoAnswer, type EchoQuestion, type EchoSocket, openEchoSocket } from './echo-socket.ts'

/** Asks the hub over fresh UDP flows: does another flow than the tunnel's get through, and what does the hub know? */
export interface Echoes {
  /** Asks from a socket that nobody used before: see EchoSocket. */
  readonly ask: (endpoint: Endpoint, question: EchoQuestion, signal: AbortSignal) => Promise<EchoAnswer | null>
  /** Ends open questions without an answer; new ones get none either. */
  readonly close: () => void
}

/** @param home our IPv4 address inside the tunnel. */
export function openEchoes(home: string, key: EchoKey, clock: Clock): Echoes {
  const open = new Set<EchoSocket>()
  let closed = false
  return {
    ask: async (endpoint, question, signal) => {
      if (closed || signal.aborted) return null
      const socket = openEchoSocket(endpoint, home, key, clock)
      open.add(socket)
      try {
        return await socket.ask(question, signal)
      } finally {
        open.delete(socket)
        socket.close()
      }
    },
    close: () => {
      closed = true
      for (const socket of open) socket.close()
    },
  }
}
