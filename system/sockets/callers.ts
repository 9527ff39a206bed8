import type { Socket } from 'node:net'

/** A program that is connected to a local listener. */
export interface Caller {
  readonly socket: Socket
  readonly hasAsked: () => boolean
  /** Marks the question as whole: the caller is not sent away before the answer. */
  readonly asked: () => void
  /** Marks the answer as on its way; the connection ends when the answer is taken, or is not taken in time. */
  readonly answering: () => void
}

export interface Callers {
  readonly admit: (socket: Socket) => Caller
  readonly all: () => readonly Caller[]
}

/** How many callers are served at once. Any user may call as often as they like: this bounds the cost of all. */
const MOST = 16
/** How long from the connection to the whole question. Commands send it at once. */
const ASK_MS = 2_000
/** How long a caller may take nothing of the answer. */
const TAKE_MS = 2_000
const TAKE_ALL_MS = 10_000

/**
 * Keeps room for callers. One too many sends away the oldest that has asked nothing yet: holding connections keeps
 * nobody out. Where all have asked, the newest goes, and can come again when the first has its answer.
 */
export function makeCallers(): Callers {
  /** Callers in the order of their coming. */
  const callers = new Set<Caller>()

  function makeRoom(): void {
    if (callers.size <= MOST) return
    const all = [...callers]
    const leaves = all.find((one) => !one.hasAsked()) ?? all.at(-1)
    leaves?.socket.destroy()
    // The socket's 'close' comes later, and more callers may come before it.
    if (leaves !== undefined) callers.delete(leaves)
  }

  return {
    all: () => [...callers],
    admit: (socket) => {
      let asked = false
      let late = setTimeout(() => socket.destroy(), ASK_MS)
      const caller: Caller = {
        socket,
        hasAsked: () => asked,
        asked: () => {
          asked = true
          clearTimeout(late)
        },
        answering: () => {
          late = setTimeout(() => socket.destroy(), TAKE_ALL_MS)
          socket.setTimeout(TAKE_MS, () => socket.destroy())
        },
      }
      callers.add(caller)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => {
        clearTimeout(late)
        callers.delete(caller)
      })
      makeRoom()
      return caller
    },
  }
}
