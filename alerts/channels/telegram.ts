import type { Channel } from '../transport/channel.ts'
import { joinUrl, type Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** core.telegram.org/bots/api#sendmessage. Plain text, since its Markdown wants 18 characters escaped; 4096 at most. */
export function telegram(settings: Extract<ChannelSettings, { kind: 'telegram' }>, send: Send): Channel {
  const { server, token, chat, thread } = settings
  const MOST = 4_096
  return {
    send: async (message, signal) => {
      const json = {
        chat_id: chat,
        text: `${message.title}\n\n${message.text}`.slice(0, MOST),
        disable_notification: weightOf(message) === 'neutral',
        link_preview_options: { is_disabled: true },
        ...(thread === undefined ? {} : { message_thread_id: thread }),
      }
      await send(joinUrl(server, `bot${token}/sendMessage`), { json }, signal)
    },
  }
}
