import { isIP } from 'node:net'
import { ownAddresses } from '../../hub/outside/find-address.ts'
import { readFirmware } from '../../hub/outside/firmware.ts'
import { type Provider, providerOf, stepsFor } from '../../hub/outside/provider.ts'

/** Whose machine this is; null: nobody's that is known. */
export async function thisProvider(): Promise<Provider | null> {
  return providerOf(await readFirmware())
}

/** What to do at the provider's firewall, for people. */
export function firewallText(provider: Provider | null, port: number): string {
  const all = `Let ${port}/udp and ${port}/tcp in at your provider's firewall`
  if (provider === null) return `${all} (docs/vps.md has the steps for some providers).`
  return [
    `${all}. This is a machine of ${provider.name}; there:`,
    ...stepsFor(provider, port).map((step) => `  - ${step}`),
    `  (${provider.manual})`,
  ].join('\n')
}

/** That somebody in front of this machine maps the hub's address to it; null where it is a name, or this machine's own. */
export function mappedText(address: string): string | null {
  if (isIP(address) === 0 || ownAddresses().includes(address)) return null
  return `No interface of this machine has ${address}: that packets to it reach this hub is proven when the first home has joined.`
}
