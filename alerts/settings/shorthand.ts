/**
 * One line for a channel, as users of Apprise and shoutrrr write it. Only what both, or the more common of them, agree on:
 * ntfy://[TOKEN@]HOST/TOPIC, ntfys:// likewise, ntfy://TOPIC; gotify[s]://HOST/TOKEN; tgram://TOKEN/CHAT, telegram://TOKEN@telegram?chats=CHAT;
 * discord://ID/TOKEN, discord://TOKEN@ID; slack://A/B/C; pover://USER@TOKEN; mailto[s]://USER:PASSWORD@HOST?to=; mqtt[s]://USER:PASSWORD@HOST;
 * and the plain addresses of hooks.slack.com, discord.com and hc-ping.com.
 * @returns what alerts.yaml says in full, to be checked; null when nobody knows it.
 */
export function fromShorthand(line: string): Readonly<Record<string, unknown>> | null {
  // A Telegram token has a colon, after which a URL wants a port.
  const [, token, chat] = /^tgram:\/\/(?:bot)?(\d+:[\w-]+)\/([^/?]+)/.exec(line) ?? []
  if (token !== undefined) return { kind: 'telegram', token, chat }
  let url: URL
  try {
    url = new URL(line)
  } catch {
    return null
  }
  const scheme = url.protocol.slice(0, -1)
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  const web = (secure: boolean): string => `${secure ? 'https' : 'http'}://${url.host}`
  switch (scheme) {
    case 'ntfy':
    case 'ntfys': {
      const [topic] = parts
      // Without a path the one word is the topic, on the public server.
      if (topic === undefined) return { kind: 'ntfy', topic: url.hostname }
      const token = user === '' ? password : user
      const secret = password !== '' && user !== '' ? { user, password } : token === '' ? {} : { token }
      const secure = scheme === 'ntfys' || url.hostname === 'ntfy.sh' || url.searchParams.get('scheme') === 'https'
      return { kind: 'ntfy', server: web(secure), topic, ...secret }
    }
    case 'gotify':
    case 'gotifys':
      return { kind: 'gotify', server: web(url.searchParams.get('disabletls') !== 'yes'), token: parts.at(-1) }
    case 'telegram':
      return {
        kind: 'telegram',
        token: `${user}${password === '' ? '' : `:${password}`}`,
        chat: url.searchParams.get('chats')?.split(',')[0],
      }
    case 'discord': {
      const [id, token] = user === '' ? [url.hostname, parts[0]] : [url.hostname, user]
      return { kind: 'discord', webhook: `https://discord.com/api/webhooks/${id}/${token ?? ''}` }
    }
    case 'slack':
      return { kind: 'slack', webhook: `https://hooks.slack.com/services/${[caseOf(line), ...parts].join('/')}` }
    case 'pover':
    case 'pushover':
      return { kind: 'pushover', user, token: caseOf(line) }
    case 'mailto':
    case 'mailtos':
      return {
        kind: 'mail',
        // A URL keeps the brackets of IPv6 (RFC 3986, 3.2.2), a mail server's address has none.
        host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
        ...(url.port === '' ? {} : { port: Number(url.port) }),
        security: scheme === 'mailtos' ? 'tls' : 'starttls',
        ...(user === '' ? {} : { user, password }),
        from: url.searchParams.get('from') ?? user,
        to: url.searchParams.get('to') ?? user,
      }
    case 'mqtt':
    case 'mqtts':
      return { kind: 'homeassistant', broker: `${scheme}://${url.host}`, ...(user === '' ? {} : { user, password }) }
    case 'https':
      if (url.hostname === 'hc-ping.com') return { kind: 'healthchecks', url: line }
      if (url.hostname === 'hooks.slack.com') return { kind: 'slack', webhook: line }
      if (url.hostname === 'discord.com') return { kind: 'discord', webhook: line }
      if (url.pathname.startsWith('/api/push/')) return { kind: 'uptime-kuma', url: line }
      return { kind: 'webhook', url: line }
    case 'http':
      return url.pathname.startsWith('/api/push/') ? { kind: 'uptime-kuma', url: line } : { kind: 'webhook', url: line }
    default:
      return null
  }
}

/** The host's part of the line as it was written: URLs make hosts lower case, and tokens are not. */
function caseOf(line: string): string {
  return /^[a-z]+:\/\/(?:[^@/]*@)?([^/?]+)/.exec(line)?.[1] ?? ''
}
