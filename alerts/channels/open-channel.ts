import type { Channel } from '../transport/channel.ts'
import type { End } from '../core/trouble.ts'
import { send, sendToInternet } from '../transport/http.ts'
import type { Retained } from '../transport/retained.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/**
 * Opens a channel by its settings. Each kind is loaded only when somebody uses it: MQTT and mail would cost everybody's
 * memory.
 * @param retained null where nothing is published that a broker keeps.
 */
export async function openChannel(settings: ChannelSettings, end: End, retained: Retained | null): Promise<Channel> {
  const post = settings.fromHub === true ? sendToInternet : send
  switch (settings.kind) {
    case 'ntfy':
      return (await import('./ntfy.ts')).ntfy(settings, post)
    case 'gotify':
      return (await import('./gotify.ts')).gotify(settings, post)
    case 'telegram':
      return (await import('./telegram.ts')).telegram(settings, post)
    case 'discord':
      return (await import('./discord.ts')).discord(settings, post)
    case 'slack':
      return (await import('./slack.ts')).slack(settings, post)
    case 'pushover':
      return (await import('./pushover.ts')).pushover(settings, post)
    case 'mail':
      return (await import('./mail.ts')).mail(settings)
    case 'webhook':
      return (await import('./webhook.ts')).webhook(settings, post)
    case 'apprise':
      return (await import('./apprise.ts')).apprise(settings, post)
    case 'homeassistant':
      return await (await import('./home-assistant.ts')).homeAssistant(settings, end, retained)
    case 'healthchecks':
      return (await import('./healthchecks.ts')).healthchecks(settings)
    case 'uptime-kuma':
      return (await import('./uptime-kuma.ts')).uptimeKuma(settings)
    default:
      return settings satisfies never
  }
}
