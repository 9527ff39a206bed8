import type { Channel } from '../transport/channel.ts'
import type { Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** docs.slack.dev, incoming webhooks. `&`, `<` and `>` are its control characters. */
export function slack({ webhook }: Extract<ChannelSettings, { kind: 'slack' }>, send: Send): Channel {
  const COLOUR = { bad: '#d00000', good: '#00a000', neutral: '#808080' } as const
  return {
    send: async (message, signal) => {
      const [title, text] = [escaped(message.title), escaped(message.text)]
      const section = { type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 3_000) } }
      const json = { text: title, attachments: [{ color: COLOUR[weightOf(message)], blocks: [section] }] }
      await send(webhook, { json }, signal)
    },
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
