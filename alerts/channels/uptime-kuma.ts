import type { Channel } from '../transport/channel.ts'
import { send } from '../transport/http.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** Uptime Kuma's push monitor: GET /api/push/TOKEN?status=up|down&msg=…&ping=ms. Other parameters stay as they are. */
export function uptimeKuma({ url, everySeconds }: Extract<ChannelSettings, { kind: 'uptime-kuma' }>): Channel {
  return {
    snapshotSeconds: everySeconds,
    snapshot: async ({ homes }, signal) => {
      const down = homes.filter(({ isUp }) => isUp === false)
      const place = new URL(url)
      place.searchParams.set('status', down.length === 0 ? 'up' : 'down')
      const told = down.map(({ name, cause, state }) => `${name}: ${cause ?? state}`)
      place.searchParams.set('msg', down.length === 0 ? 'OK' : told.join(', ').slice(0, 250))
      const [only] = homes
      place.searchParams.set('ping', homes.length === 1 && only?.rttMs != null ? String(only.rttMs) : '')
      await send(place.href, { method: 'GET' }, signal)
    },
  }
}
