import type { Manifest } from '../../backup/manifest.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import { localTime } from '../../system/time/local-time.ts'

/** What a backup is of, as part of a sentence. */
export function contentText({ role, name, hub, homes, devices, madeAt, madeBy }: Manifest): string {
  const [first = ''] = hub.addresses
  const what =
    role === 'home'
      ? `the home ${name}, whose hub is ${hostPort(first, hub.port)}`
      : `the hub ${name} with ${counted('home', homes)} and ${counted('device', devices)}`
  return `${what}, of ${localTime(madeAt)}, made by homeward ${madeBy}`
}

function counted(noun: string, names: readonly string[]): string {
  if (names.length === 0) return `no ${noun}s`
  return `${names.length} ${noun}${names.length === 1 ? '' : 's'} (${names.join(', ')})`
}
