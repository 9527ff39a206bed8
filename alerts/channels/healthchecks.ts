import { type Channel, type Snapshot } from '../transport/channel.ts'
import { send } from '../transport/http.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/**
 * healthchecks.io, or any address that shall be asked again and again: the dead-man's switch. Each request says that
 * this end is alive and could speak, whatever the tunnel does: a tunnel that is down is told by a message, and once is
 * enough.
 */
export function healthchecks({ url, everySeconds }: Extract<ChannelSettings, { kind: 'healthchecks' }>): Channel {
  return {
    snapshotSeconds: everySeconds,
    snapshot: async (snapshot, signal) => {
      await send(url, { body: bodyOf(snapshot), headers: { 'content-type': 'text/plain' } }, signal)
    },
  }
}

function bodyOf({ end, version, homes }: Snapshot): string {
  const each = homes.map(({ name, state, cause }) => `${name}: ${state}${cause === null ? '' : ` (${cause})`}`)
  return [`homeward ${version}, ${end}`, ...each].join('\n')
}
