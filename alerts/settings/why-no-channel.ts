import * as v from 'valibot'
import { ChannelObjectSchema } from './settings.ts'
import { fromShorthand } from './shorthand.ts'

/** How each scheme is written, and what a line of it must look like. */
const FORMS: Readonly<Record<string, { readonly form: string; readonly fits: RegExp }>> = {
  ntfy: { form: 'ntfy://HOST/TOPIC', fits: /^ntfy:\/\/(?:[^@/]*@)?[^/]+(?:\/[^/]+\/?)?$/i },
  ntfys: { form: 'ntfys://HOST/TOPIC', fits: /^ntfys:\/\/(?:[^@/]*@)?[^/]+\/[^/]+\/?$/i },
  gotify: { form: 'gotify://HOST/TOKEN', fits: /^gotify:\/\/[^/]+(?:\/[^/]+)+$/i },
  gotifys: { form: 'gotifys://HOST/TOKEN', fits: /^gotifys:\/\/[^/]+(?:\/[^/]+)+$/i },
  tgram: { form: 'tgram://TOKEN/CHAT, with a token such as 123456:ABC', fits: /^tgram:\/\/(?:bot)?\d+:[\w-]+\/[^/?]+/ },
  telegram: { form: 'telegram://TOKEN@telegram?chats=CHAT', fits: /^telegram:\/\/[^@/]+@[^?]+\?(?:.*&)?chats=[^&]+/i },
  discord: { form: 'discord://ID/TOKEN', fits: /^discord:\/\/(?:[^@/]+@\d+\/?|\d+\/[^/]+\/?)$/i },
  slack: {
    form: 'slack://A/B/C, the three parts of the webhook',
    fits: /^slack:\/\/(?:[^@/]*@)?[^/]+\/[^/]+\/[^/]+\/?$/i,
  },
  pover: { form: 'pover://USER@TOKEN', fits: /^pover:\/\/[^@/]+@[^/]+\/?$/i },
  pushover: { form: 'pushover://USER@TOKEN', fits: /^pushover:\/\/[^@/]+@[^/]+\/?$/i },
  mailto: { form: 'mailto://USER:PASSWORD@HOST?from=…&to=…', fits: /^mailto:\/\/.+/i },
  mailtos: { form: 'mailtos://USER:PASSWORD@HOST?from=…&to=…', fits: /^mailtos:\/\/.+/i },
  mqtt: { form: 'mqtt://USER:PASSWORD@BROKER', fits: /^mqtt:\/\/[^/]+\/?$/i },
  mqtts: { form: 'mqtts://USER:PASSWORD@BROKER', fits: /^mqtts:\/\/[^/]+\/?$/i },
  https: { form: 'https://HOST/…', fits: /^https:\/\/[^/]+/i },
  http: { form: 'http://HOST/…', fits: /^http:\/\/[^/]+/i },
}

/** Addresses that people paste from a service, which would be taken for a webhook and never show what it says. */
const OTHER_FORM: Readonly<Record<string, string>> = {
  'ntfy.sh': 'ntfys://ntfy.sh/TOPIC',
  'api.telegram.org': 'tgram://TOKEN/CHAT',
  'api.pushover.net': 'pover://USER@TOKEN',
}

/** Services whose addresses have a form of their own. */
const HOOKS: Readonly<Record<string, { readonly form: string; readonly path: RegExp }>> = {
  'hooks.slack.com': { form: 'https://hooks.slack.com/services/A/B/C', path: /^\/services(?:\/[^/]+){3}\/?$/ },
  'discord.com': { form: 'https://discord.com/api/webhooks/ID/TOKEN', path: /^\/api\/webhooks\/\d+\/[^/]+\/?$/ },
  'hc-ping.com': { form: 'https://hc-ping.com/UUID', path: /^\/[^/]+/ },
}

/** What ntfy takes for a topic (server/server.go, topicRegex). */
const TOPIC = /^[-_A-Za-z0-9]{1,64}$/

/**
 * What is wrong with a line that is to be a channel; null: nothing. Repeats nothing of the line but its scheme, since
 * the rest is a secret.
 */
export function whyNoChannel(line: string): string | null {
  if (line === '') return 'nothing was given'
  if (/[\n\r]/.test(line)) return 'there are several lines, and a channel is one'
  if (/\s/.test(line)) return 'there is a space in it'
  const scheme = /^([a-z][a-z0-9+.-]{0,14}):\/\//i.exec(line)?.[1]?.toLowerCase()
  if (scheme === undefined) return `it does not begin with the kind of channel, such as ${SOME_FORMS}`
  const known = FORMS[scheme]
  if (known === undefined) return `homeward knows no channel ${scheme}://; it knows ${Object.keys(FORMS).join(', ')}`
  const expected = `expected ${known.form}`
  if (!known.fits.test(line)) return `something is missing or too much: ${expected}`
  const url = scheme === 'tgram' ? null : urlOf(line)
  if (url === undefined) return `its host or port is none: ${expected}`
  const given = fromShorthand(line)
  if (given === null || !v.is(ChannelObjectSchema, given)) return `something is missing or too much: ${expected}`
  if (given.kind === 'ntfy' && !TOPIC.test(given.topic))
    return 'its topic is none: ntfy takes up to 64 letters, digits, - and _'
  if (given.kind === 'mail') return whyNoMail(given, known.form)
  return url === null ? null : whyNoHook(url)
}

const SOME_FORMS = 'ntfys://ntfy.sh/TOPIC or https://HOST/…'

function whyNoMail({ from, to }: { readonly from: string; readonly to: string | readonly string[] }, form: string) {
  const addresses = [from, ...(typeof to === 'string' ? [to] : to)]
  return addresses.every((one) => /^[^@\s]+@[^@\s]+$/.test(one))
    ? null
    : `who it is from, or for, is no mail address: expected ${form}`
}

function whyNoHook(url: URL): string | null {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  const other = OTHER_FORM[url.hostname]
  if (other !== undefined) return `as a plain address ${url.hostname} would be a webhook: expected ${other}`
  const hook = HOOKS[url.hostname]
  return hook === undefined || hook.path.test(url.pathname)
    ? null
    : `something is missing or too much: expected ${hook.form}`
}

/** undefined: it is no URL. */
function urlOf(line: string): URL | undefined {
  try {
    return new URL(line)
  } catch {
    return undefined
  }
}
