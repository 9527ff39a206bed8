import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Manifest } from '../../backup/manifest.ts'
import { certificateAt } from '../../protocol/registrar-client.ts'
import { hostPort } from '../../wireguard/host-port.ts'

/** What a person has to know of the addresses by which homes and devices know a hub that is put back on this machine. */
export async function whereTheHubIs({ hub: { addresses, port } }: Pick<Manifest, 'hub'>): Promise<readonly string[]> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
  return (await Promise.all(addresses.map((host) => notesOn(host, port, own)))).flat()
}

async function notesOn(host: string, port: number, own: ReadonlySet<string>): Promise<readonly string[]> {
  const found = isIP(host) === 0 ? await lookup(host, { all: true }).catch(() => []) : [{ address: host }]
  const places = found.map(({ address }) => address)
  if (places.some((address) => own.has(address))) return []
  // Nobody of this machine's answers yet: whoever does is another one.
  const answers = await certificateAt({ host, port }, 'asking whether the hub still runs').then(
    () => true,
    () => false,
  )
  const lives = answers
    ? [
        `Somebody answers at ${hostPort(host, port)}: if that is the hub of this backup, end it first (there: sudo systemctl disable --now homeward-hub). Two hubs with one key take homes and devices from each other, and what one changes the other does not know.`,
      ]
    : []
  return [...lives, isIP(host) === 0 ? ofName(host, places) : ofAddress(host)]
}

function ofName(name: string, places: readonly string[]): string {
  const now =
    places.length === 0 ? 'does not resolve' : `leads to ${places.join(' and ')}, which this machine does not have`
  return `${name} ${now}. Let it lead to this machine, where its DNS is: homes come by themselves then, devices as soon as they connect again.`
}

function ofAddress(address: string): string {
  return `Homes and devices know this hub by ${address}, which this machine does not have. If its provider gives it that address, all come by themselves. Else each home has to join again (homeward hub invite HOME, then homeward join --again TOKEN there), and each device needs a new file.`
}
