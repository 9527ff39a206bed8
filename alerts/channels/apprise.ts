import type { Channel } from '../transport/channel.ts'
import { joinUrl, type Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** github.com/caronc/apprise-api: POST /notify with the services, or /notify/KEY for those stored there. */
export function apprise(
  { server, key, urls, tag }: Extract<ChannelSettings, { kind: 'apprise' }>,
  send: Send,
): Channel {
  const TYPE = { bad: 'failure', good: 'success', neutral: 'info' } as const
  return {
    send: async (message, signal) => {
      const json = {
        title: message.title,
        body: message.text,
        type: TYPE[weightOf(message)],
        format: 'text',
        ...(urls === undefined ? {} : { urls }),
        ...(tag === undefined ? {} : { tag }),
      }
      await send(joinUrl(server, key === undefined ? 'notify' : `notify/${encodeURIComponent(key)}`), { json }, signal)
    },
  }
}
