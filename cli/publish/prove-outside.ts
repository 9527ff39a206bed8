import { connect } from 'node:net'
import type { ProofLink } from '../../protocol/publications.ts'
import { hostPort } from '../../wireguard/host-port.ts'

const OUTSIDE_MS = 5_000

/** Dials the hub's public address over this home's own line, as visitors do: past a firewall of the hub's provider. */
export async function proveOutside(hub: readonly string[], port: number): Promise<ProofLink> {
  const [address = ''] = hub
  const works = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: address, port })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(OUTSIDE_MS, () => end(false))
    socket.once('connect', () => end(true))
    socket.on('error', () => end(false))
  })
  const place = hostPort(address, port)
  const said = works
    ? `${place} answers on the internet`
    : `${place} does not answer on the internet, though all behind it works: open TCP port ${port} in the firewall of the VPS’s provider`
  return { link: 'outside', works, said }
}
