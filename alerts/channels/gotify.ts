import type { Channel } from '../transport/channel.ts'
import { joinUrl, type Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** gotify.net/api-docs, createMessage. Priorities from 8 on make a phone ring. */
export function gotify({ server, token }: Extract<ChannelSettings, { kind: 'gotify' }>, send: Send): Channel {
  const PRIORITY = { bad: 8, good: 5, neutral: 2 } as const
  return {
    send: async (message, signal) => {
      const json = { title: message.title, message: message.text, priority: PRIORITY[weightOf(message)] }
      await send(joinUrl(server, 'message'), { json, headers: { 'x-gotify-key': token } }, signal)
    },
  }
}
