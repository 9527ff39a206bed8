import { describe, expect, test } from 'vitest'
import { whyNoChannel } from '../../../alerts/settings/why-no-channel.ts'

const SECRET = 'hunter2hunter2'

describe('a line that is a channel', () => {
  test.each([
    'ntfy://a-topic',
    'ntfys://ntfy.sh/a-topic',
    'ntfys://tk_secret@ntfy.example:8443/a-topic',
    'ntfy://[2001:db8::80]:8080/home',
    'gotifys://push.example/under/a/path/A1b2',
    'tgram://123456:ABC-def_1/-100123',
    'tgram://bot123456:ABC/@channel',
    'telegram://123456:ABC@telegram?chats=42',
    'discord://123456/TOKEN',
    'discord://TOKEN@123456',
    'https://discord.com/api/webhooks/123456/TOKEN',
    'slack://T0/B0/XyZ',
    'https://hooks.slack.com/services/T0/B0/XyZ',
    'pover://USER@TOKEN',
    'mailtos://me%40example.org:secret@smtp.example.org?from=me@example.org&to=me@example.org',
    'mailto://smtp.example.org:2525?from=pi@example.org&to=me@example.org',
    'mqtt://user:password@192.168.1.5:1883',
    'https://hc-ping.com/8c8b6a51-0000',
    'https://kuma.example/api/push/AbC',
    'https://hook.example/path?token=secret',
    'http://192.168.1.5:8080',
  ])('%s', (line) => expect(whyNoChannel(line)).toBeNull())
})

describe('of another one it is said what is wrong', () => {
  test.each([
    ['', 'nothing was given'],
    [`ntfys://ntfy.sh/one\nntfys://ntfy.sh/${SECRET}`, 'several lines'],
    [`ntfys://ntfy.sh/${SECRET} more`, 'a space'],
    [SECRET, 'does not begin with the kind of channel'],
    [`gopher://${SECRET}`, 'homeward knows no channel gopher://; it knows ntfy, ntfys, gotify'],
    ['ntfys://ntfy.sh', 'expected ntfys://HOST/TOPIC'],
    [`ntfys://ntfy.sh/${SECRET}/json`, 'expected ntfys://HOST/TOPIC'],
    [`ntfys://ntfy.sh/${SECRET}!`, 'ntfy takes up to 64 letters'],
    [`ntfys://ntfy.sh:123456/${SECRET}`, 'its host or port is none'],
    ['gotify://push.example', 'expected gotify://HOST/TOKEN'],
    [`tgram://${SECRET}/42`, 'with a token such as 123456:ABC'],
    ['tgram://123456:ABC', 'expected tgram://TOKEN/CHAT'],
    [`telegram://${SECRET}@telegram`, 'expected telegram://TOKEN@telegram?chats=CHAT'],
    [`discord://${SECRET}`, 'expected discord://ID/TOKEN'],
    [`slack://T0/${SECRET}`, 'the three parts of the webhook'],
    [`pover://${SECRET}`, 'expected pover://USER@TOKEN'],
    [
      `mailtos://me:${SECRET}@smtp.example.org`,
      'is no mail address: expected mailtos://USER:PASSWORD@HOST?from=…&to=…',
    ],
    ['mqtt://broker/topic', 'expected mqtt://USER:PASSWORD@BROKER'],
    [`https://ntfy.sh/${SECRET}`, 'expected ntfys://ntfy.sh/TOPIC'],
    [`https://api.telegram.org/bot${SECRET}/sendMessage`, 'expected tgram://TOKEN/CHAT'],
    [`https://hooks.slack.com/services/T0/${SECRET}`, 'expected https://hooks.slack.com/services/A/B/C'],
    [`https://discord.com/channels/${SECRET}`, 'expected https://discord.com/api/webhooks/ID/TOKEN'],
    ['https://hc-ping.com/', 'expected https://hc-ping.com/UUID'],
    ['https://', 'expected https://HOST'],
  ])('%j: %s', (line, why) => {
    expect(whyNoChannel(line)).toContain(why)
    expect(whyNoChannel(line)).not.toContain(SECRET)
  })
})
