import type { Socket } from 'node:net'

/** Somebody who is connected to a local listener. */
export interface Caller {
  readonly socket: Socket
  readonly hasAsked: () => boolean
  /** The question is whole: whoever asked is not sent away before the answer. */
  readonly asked: () => void
  /** The answer is on its way; when it is taken, or is not taken in time, the connection ends. */
  readonly answering: () => void
}

export interface Callers {
  readonly admit: (socket: Socket) => Caller
  readonly all: () => readonly Caller[]
}

/** Any user of this machine may call as often as they like: this is what all of them together cost. */
const MOST = 16
/** From the connection to the whole question. Commands send it at once. */
const ASK_MS = 2_000
/** With nothing taken of the answer. */
const TAKE_MS = 2_000
const TAKE_ALL_MS = 10_000

/**
 * Keeps room for whoever asks. One too many sends the oldest away that has asked nothing yet: holding connections keeps
 * nobody out. Where all have asked, the newest goes, and can come again when the first has its answer.
 */
export function makeCallers(): Callers {
  /** In the order of their coming. */
  const callers = new Set<Caller>()

  function makeRoom(): void {
    if (callers.size <= MOST) return
    const all = [...callers]
    const leaves = all.find((one) => !one.hasAsked()) ?? all.at(-1)
    leaves?.socket.destroy()
    // Its 'close' comes later, and others may by then.
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
