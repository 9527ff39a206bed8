import type { Channel } from '../transport/channel.ts'
import type { Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** docs.ntfy.sh/publish, as JSON: to the root of the server, since titles may be more than ASCII. */
export function ntfy(
  { server, topic, token, user, password }: Extract<ChannelSettings, { kind: 'ntfy' }>,
  send: Send,
): Channel {
  const login =
    token !== undefined
      ? { authorization: `Bearer ${token}` }
      : user !== undefined
        ? { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` }
        : undefined
  const LOOK = {
    bad: { priority: 4, tags: ['red_circle'] },
    good: { priority: 3, tags: ['green_circle'] },
    neutral: { priority: 2, tags: ['information_source'] },
  } as const
  return {
    send: async (message, signal) => {
      const { title, text } = message
      const json = { topic, title, message: text, ...LOOK[weightOf(message)] }
      await send(server, { json, ...(login === undefined ? {} : { headers: login }) }, signal)
    },
  }
}
