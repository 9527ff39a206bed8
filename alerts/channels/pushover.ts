import type { Channel } from '../transport/channel.ts'
import { joinUrl, type Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** pushover.net/api. Never priority 2, which rings until somebody answers. Title to 250 characters, message to 1024. */
export function pushover(
  { server, token, user, device }: Extract<ChannelSettings, { kind: 'pushover' }>,
  send: Send,
): Channel {
  const PRIORITY = { bad: 1, good: 0, neutral: -1 } as const
  return {
    send: async (message, signal) => {
      const json = {
        token,
        user,
        title: message.title.slice(0, 250),
        message: message.text.slice(0, 1_024),
        priority: PRIORITY[weightOf(message)],
        timestamp: Math.floor(Date.parse(message.at) / 1_000),
        ...(device === undefined ? {} : { device }),
      }
      await send(joinUrl(server, '1/messages.json'), { json }, signal)
    },
  }
}
