import { createHmac } from 'node:crypto'
import type { Channel } from '../transport/channel.ts'
import type { Send } from '../transport/http.ts'
import { weightOf } from '../record/message.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/**
 * standardwebhooks.com: `webhook-id` is the same on every try, `webhook-timestamp` is that of the try, and
 * `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY.
 */
export function webhook({ url, secret }: Extract<ChannelSettings, { kind: 'webhook' }>, send: Send): Channel {
  const key = secret === undefined ? null : Buffer.from(secret.slice('whsec_'.length), 'base64')
  return {
    send: async (message, signal) => {
      const { id, kind, at, home, title, text, incident } = message
      const data = { id, home, title, text, weight: weightOf(message), incident }
      const body = JSON.stringify({ type: `homeward.${kind}`, timestamp: at, data })
      const timestamp = String(Math.floor(Date.now() / 1_000))
      const signature =
        key === null ? {} : { 'webhook-signature': `v1,${signatureOf(key, `${id}.${timestamp}.${body}`)}` }
      const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp }
      await send(url, { body, headers: { ...headers, ...signature } }, signal)
    },
  }
}

function signatureOf(key: Buffer, signed: string): string {
  return createHmac('sha256', key).update(signed).digest('base64')
}
