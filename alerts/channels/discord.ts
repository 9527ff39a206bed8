import type { Channel } from '../transport/channel.ts'
import type { Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** discord.com/developers/docs/resources/webhook#execute-webhook. Nobody is mentioned, whatever a text says. */
export function discord({ webhook }: Extract<ChannelSettings, { kind: 'discord' }>, send: Send): Channel {
  const COLOUR = { bad: 0xff0000, good: 0x00ff00, neutral: 0x808080 } as const
  return {
    send: async (message, signal) => {
      const { title, text, at } = message
      const embed = { title: title.slice(0, 256), description: text.slice(0, 4_096), timestamp: at }
      const json = {
        username: 'homeward',
        embeds: [{ ...embed, color: COLOUR[weightOf(message)] }],
        allowed_mentions: { parse: [] },
      }
      await send(webhook, { json }, signal)
    },
  }
}
