import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import type { Snapshot } from '../../../alerts/transport/channel.ts'
import { Undelivered } from '../../../alerts/transport/channel.ts'
import type { Message } from '../../../alerts/record/message.ts'
import { openChannel } from '../../../alerts/channels/open-channel.ts'
import { AlertSettingsSchema, type ChannelSettings } from '../../../alerts/settings/settings.ts'
import { type AlertReceiver, openAlertReceiver, type Received } from '../../fake/alert-receiver.ts'

let receiver: AlertReceiver
let url: string
beforeAll(async () => {
  receiver = await openAlertReceiver(null)
  url = `http://127.0.0.1:${receiver.port}`
})
afterAll(() => receiver.close())

const message: Message = {
  id: 'cabin-1.down',
  kind: 'down',
  at: '2026-11-23T03:12:05.000Z',
  home: 'cabin',
  title: 'cabin: the hub is down',
  text: 'Since <then> & there. [hub-down]\nLook – at it.',
  incident: { id: 'cabin-1', cause: 'hub-down' },
}
const snapshot: Snapshot = {
  end: 'home',
  version: '0.1.0',
  homes: [
    {
      name: 'cabin',
      isUp: true,
      state: 'up',
      cause: null,
      rttMs: 12.5,
      handshakeAt: null,
      rxBytes: 1,
      txBytes: 2,
      mapping: '198.51.100.11:40233',
    },
  ],
}
const soon = (): AbortSignal => AbortSignal.timeout(10_000)

function settingsOf(channel: unknown): ChannelSettings {
  return v.parse(AlertSettingsSchema, { channels: { one: channel } }).channels['one']!
}

async function sent(channel: unknown, act: 'send' | 'pulse' = 'send'): Promise<Received & { readonly json: unknown }> {
  const opened = await openChannel(settingsOf(channel), 'home', null)
  if (act === 'send') await opened.send!(message, soon())
  else await opened.snapshot!(snapshot, soon())
  const last = receiver.received.at(-1)!
  return { ...last, json: last.body.startsWith('{') ? JSON.parse(last.body) : null }
}

describe('what each service gets', () => {
  test('ntfy: JSON at the root, with its token', async () => {
    const got = await sent({ kind: 'ntfy', server: url, topic: 'home', token: 'tk_x' })
    expect(got).toMatchObject({
      method: 'POST',
      path: '/',
      headers: { authorization: 'Bearer tk_x' },
      json: { topic: 'home', title: message.title, message: message.text, priority: 4, tags: ['red_circle'] },
    })
  })
  test('ntfy with a password', async () => {
    const got = await sent({ kind: 'ntfy', server: url, topic: 'home', user: 'me', password: 'pw' })
    expect(got.headers.authorization).toBe(`Basic ${Buffer.from('me:pw').toString('base64')}`)
  })
  test('Gotify: /message with the key in a header', async () => {
    const got = await sent({ kind: 'gotify', server: `${url}/under/`, token: 'A1' })
    expect(got).toMatchObject({
      path: '/under/message',
      headers: { 'x-gotify-key': 'A1' },
      json: { title: message.title, message: message.text, priority: 8 },
    })
  })
  test('Telegram: sendMessage in plain text', async () => {
    const got = await sent({ kind: 'telegram', server: url, token: '1:a', chat: '-100', thread: 7 })
    expect(got).toMatchObject({
      path: '/bot1:a/sendMessage',
      json: {
        chat_id: '-100',
        text: `${message.title}\n\n${message.text}`,
        message_thread_id: 7,
        link_preview_options: { is_disabled: true },
      },
    })
    expect(got.json).not.toHaveProperty('parse_mode')
  })
  test('Discord: an embed that mentions nobody', async () => {
    const got = await sent({ kind: 'discord', webhook: `${url}/api/webhooks/1/t` })
    expect(got).toMatchObject({
      path: '/api/webhooks/1/t',
      json: {
        embeds: [{ title: message.title, description: message.text, color: 0xff0000, timestamp: message.at }],
        allowed_mentions: { parse: [] },
      },
    })
  })
  test('Slack: text with its three characters escaped', async () => {
    const got = await sent({ kind: 'slack', webhook: `${url}/services/A/B/C` })
    expect(got.json).toMatchObject({
      text: message.title,
      attachments: [{ blocks: [{ text: { text: 'Since &lt;then&gt; &amp; there. [hub-down]\nLook – at it.' } }] }],
    })
  })
  test('Pushover: never an emergency that rings until somebody answers', async () => {
    const got = await sent({ kind: 'pushover', server: url, token: 'T', user: 'U' })
    expect(got).toMatchObject({
      path: '/1/messages.json',
      json: {
        token: 'T',
        user: 'U',
        title: message.title,
        message: message.text,
        priority: 1,
        timestamp: 1_795_403_525,
      },
    })
  })
  test('a webhook signed as Standard Webhooks says, with the same id on every try', async () => {
    const secret = Buffer.from('0123456789abcdef0123456789abcdef')
    const settings = { kind: 'webhook', url: `${url}/hook`, secret: `whsec_${secret.toString('base64')}` }
    const [got, again] = [await sent(settings), await sent(settings)]
    const [id, time, signature] = ['id', 'timestamp', 'signature'].map((name) => String(got.headers[`webhook-${name}`]))
    expect(signature).toBe(`v1,${createHmac('sha256', secret).update(`${id}.${time}.${got.body}`).digest('base64')}`)
    expect([id, again.headers['webhook-id']]).toEqual([message.id, message.id])
    expect(Math.abs(Date.now() / 1_000 - Number(time))).toBeLessThan(300)
    expect(got.json).toMatchObject({
      type: 'homeward.down',
      timestamp: message.at,
      data: { incident: message.incident },
    })
  })
  test('Apprise: its API, with a key or with services', async () => {
    expect(await sent({ kind: 'apprise', server: url, key: 'k 1', tag: 'all' })).toMatchObject({
      path: '/notify/k%201',
      json: { title: message.title, body: message.text, type: 'failure', tag: 'all' },
    })
    expect(await sent({ kind: 'apprise', server: url, urls: 'json://x' })).toMatchObject({
      path: '/notify',
      json: { urls: 'json://x' },
    })
  })
  test('healthchecks: one question at its address', async () => {
    expect(await sent({ kind: 'healthchecks', url: `${url}/uuid` }, 'pulse')).toMatchObject({
      method: 'POST',
      path: '/uuid',
      body: 'homeward 0.1.0, home\ncabin: up',
    })
  })
  test('Uptime Kuma: status, what is wrong, and the round trip', async () => {
    const got = await sent({ kind: 'uptime-kuma', url: `${url}/api/push/tok?status=up&msg=OK&ping=` }, 'pulse')
    expect(got).toMatchObject({ method: 'GET', path: '/api/push/tok?status=up&msg=OK&ping=12.5' })
    const down = { ...snapshot, homes: [{ ...snapshot.homes[0]!, isUp: false, cause: 'hub-down' }] }
    await (await openChannel(settingsOf({ kind: 'uptime-kuma', url: `${url}/api/push/tok` }), 'home', null)).snapshot!(
      down,
      soon(),
    )
    expect(receiver.received.at(-1)?.path).toBe('/api/push/tok?status=down&msg=cabin%3A+hub-down&ping=12.5')
  })
})

describe('a receiver that does not take it', () => {
  const failure = async (manner: Parameters<AlertReceiver['behave']>[1], timeoutMs = 10_000): Promise<Undelivered> => {
    receiver.behave('/bad', manner)
    const { send } = await openChannel(settingsOf({ kind: 'webhook', url: `${url}/bad-secret-path` }), 'home', null)
    const thrown: unknown = await send!(message, AbortSignal.timeout(timeoutMs)).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(Undelivered)
    expect((thrown as Error).message).not.toContain('secret')
    return thrown as Undelivered
  }
  test('429 with a time is heard', async () => {
    expect((await failure({ status: 429, retryAfterSeconds: 7 })).retryAfterMs).toBe(7_000)
  })
  test('500 names the host and the answer', async () => {
    expect((await failure({ status: 500 })).message).toBe(`127.0.0.1:${receiver.port}: it answered 500`)
  })
  test('a connection that breaks', async () => {
    expect((await failure('drop')).message).toContain('127.0.0.1')
  })
  test('one that hangs is left in time', async () => {
    expect((await failure('hang', 300)).message).toContain('no answer in time')
  })
})

describe('one line for a channel', () => {
  test.each([
    ['ntfys://tk_x@ntfy.example/home', { kind: 'ntfy', server: 'https://ntfy.example', topic: 'home', token: 'tk_x' }],
    ['ntfys://:tk_x@ntfy.example/home', { kind: 'ntfy', server: 'https://ntfy.example', topic: 'home', token: 'tk_x' }],
    ['ntfy://me:pw@192.168.1.9:8080/home', { server: 'http://192.168.1.9:8080', user: 'me', password: 'pw' }],
    ['ntfy://home', { kind: 'ntfy', server: 'https://ntfy.sh', topic: 'home' }],
    ['ntfy://ntfy.sh/home', { server: 'https://ntfy.sh', topic: 'home' }],
    ['gotify://push.example/AbC', { kind: 'gotify', server: 'https://push.example', token: 'AbC' }],
    ['tgram://123:AbC/-100', { kind: 'telegram', token: '123:AbC', chat: '-100' }],
    ['telegram://123:AbC@telegram?chats=@me', { kind: 'telegram', token: '123:AbC', chat: '@me' }],
    ['discord://99/AbC', { kind: 'discord', webhook: 'https://discord.com/api/webhooks/99/AbC' }],
    ['discord://AbC@99', { kind: 'discord', webhook: 'https://discord.com/api/webhooks/99/AbC' }],
    ['https://discord.com/api/webhooks/99/AbC', { kind: 'discord' }],
    ['slack://TA/BB/cC', { kind: 'slack', webhook: 'https://hooks.slack.com/services/TA/BB/cC' }],
    ['pover://UserKey@TokenKey', { kind: 'pushover', user: 'UserKey', token: 'TokenKey' }],
    [
      'mailtos://me%40x.example:pw@mail.example?to=you@x.example',
      {
        kind: 'mail',
        host: 'mail.example',
        security: 'tls',
        user: 'me@x.example',
        to: 'you@x.example',
        from: 'me@x.example',
      },
    ],
    ['mqtt://ha:pw@192.168.1.5', { kind: 'homeassistant', broker: 'mqtt://192.168.1.5', user: 'ha', password: 'pw' }],
    ['https://hc-ping.com/uuid', { kind: 'healthchecks', url: 'https://hc-ping.com/uuid' }],
    ['http://kuma.lan:3001/api/push/tok', { kind: 'uptime-kuma' }],
    ['https://any.example/hook', { kind: 'webhook', url: 'https://any.example/hook' }],
  ])('%s', (line, expected) => {
    expect(settingsOf(line)).toMatchObject(expected)
  })
  test.each(['gopher://x', 'nothing', '', 'gotify://host'])('%j is refused', (line) => {
    expect(v.safeParse(AlertSettingsSchema, { channels: { one: line } }).success).toBe(false)
  })
})
