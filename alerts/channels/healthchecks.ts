import { type Channel, type Pulse } from '../transport/channel.ts'
import { send } from '../transport/http.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/**
 * healthchecks.io, or any address that shall be asked again and again: the dead-man's switch. It says that this end is alive
 * and could speak, whatever the tunnel does: a tunnel that is down is told by a message, and once is enough.
 */
export function healthchecks({ url, everySeconds }: Extract<ChannelSettings, { kind: 'healthchecks' }>): Channel {
  return {
    pulseSeconds: everySeconds,
    pulse: async (pulse, signal) => {
      await send(url, { body: bodyOf(pulse), headers: { 'content-type': 'text/plain' } }, signal)
    },
  }
}

function bodyOf({ end, version, homes }: Pulse): string {
  const each = homes.map(({ name, state, cause }) => `${name}: ${state}${cause === null ? '' : ` (${cause})`}`)
  return [`homeward ${version}, ${end}`, ...each].join('\n')
}
