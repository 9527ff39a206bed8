import { createSocket } from 'node:dgram'

/** The address that this machine has towards the internet; sends no packet. */
export function ownAddress(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.connect(53, '192.0.2.1', (error?: Error) => {
      if (error !== undefined) {
        socket.close()
        reject(error)
        return
      }
      const { address } = socket.address()
      socket.close()
      resolve(address)
    })
  })
}
