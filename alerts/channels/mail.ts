import { createTransport } from 'nodemailer'
import { type Channel, Undelivered } from '../transport/channel.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** Mail, by nodemailer. The same Message-ID on every try lets a mailbox drop duplicates (RFC 5322, 3.6.4). */
export function mail(settings: Extract<ChannelSettings, { kind: 'mail' }>): Channel {
  const { host, security, user, password, from, to } = settings
  const transport = createTransport({
    host,
    port: settings.port ?? { starttls: 587, tls: 465, none: 25 }[security],
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 15_000,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
  })
  return {
    send: async ({ id, at, title, text }, signal) => {
      const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'homeward.invalid'
      const mail = { from, to, subject: title, text: `${text}\n`, date: new Date(at), messageId: `<${id}@${domain}>` }
      const headers = { 'auto-submitted': 'auto-generated' }
      await Promise.race([transport.sendMail({ ...mail, headers }), aborted(signal)]).catch((thrown: unknown) => {
        throw new Undelivered(`${host}: ${reasonOf(thrown)}`, { cause: thrown })
      })
    },
    close: async () => transport.close(),
  }
}

/** The status of a failure: the server's own words may contain what it was given. */
function reasonOf(thrown: unknown): string {
  const { code, responseCode } = thrown as { readonly code?: string; readonly responseCode?: number }
  return [code ?? 'no answer in time', ...(responseCode === undefined ? [] : [`it answered ${responseCode}`])].join(
    ', ',
  )
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
  })
}
