import type { Socket } from 'node:net'

/** What `ubus listen` says, in the words of its cli.c, and how unkindly. */
export interface UbusEvents {
  /** Serves one that listens, until its end or the bus's. */
  readonly serve: (socket: Socket) => void
  /** As netifd tells, when an interface came up or went (netifd_ubus_interface_event). */
  readonly tell: (action: 'ifup' | 'ifdown', name: string) => void
  readonly behave: (how: UbusOddities) => void
  /** The bus is started again: whoever listened is cut off. */
  readonly restart: () => void
}

export interface UbusOddities {
  /** Each so many events one is lost; 0: none. */
  readonly losesEach: number
  readonly isDoubled: boolean
}

export function makeUbusEvents(): UbusEvents {
  const listeners = new Set<Socket>()
  let oddities: UbusOddities = { losesEach: 0, isDoubled: false }
  let told = 0
  return {
    serve: (socket) => {
      listeners.add(socket)
      socket.on('close', () => listeners.delete(socket))
    },
    tell: (action, name) => {
      told += 1
      if (oddities.losesEach > 0 && told % oddities.losesEach === 0) return
      const line = `{ "network.interface": {"action":"${action}","interface":"${name}"} }\n`
      for (const socket of listeners) socket.write(oddities.isDoubled ? line + line : line)
    },
    behave: (how) => {
      oddities = how
    },
    restart: () => {
      for (const socket of listeners) socket.destroy()
    },
  }
}
