import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeQuietHours } from '../../../alerts/delivery/quiet-hours.ts'
import { incidentSettings, readAlertSettings, takes } from '../../../alerts/settings/read-settings.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function reading(text: string, mode = 0o600) {
  const path = join(folder, 'alerts.yaml')
  await writeFile(path, text)
  await chmod(path, mode)
  return await readAlertSettings(folder)
}

test('without the file nobody is told anything', async () => {
  expect(incidentSettings('home', await readAlertSettings(folder)).canSpeak).toBe(false)
})

test('channels in full and in one line, and rules', async () => {
  const settings = await reading(`
channels:
  phone: ntfys://tk_secret@ntfy.example/home
  house: { kind: gotify, server: https://push.example, token: A1 }
  alive: https://hc-ping.com/uuid
showAfterSeconds: { default: 60, drift: 5 }
quietHours: { from: 0 22 * * *, until: 0 7 * * * }
summary: 0 8 * * 1
`)
  expect(Object.keys(settings.channels)).toEqual(['phone', 'house', 'alive'])
  const { canSpeak, pendingMs } = incidentSettings('home', settings)
  expect([canSpeak, pendingMs.unknown, pendingMs.drift]).toEqual([true, 60_000, 5_000])
})

test('a server at an IPv6 address is dialled as one', async () => {
  const { channels } = await reading(`
channels:
  letters: mailtos://me:secret@[2001:db8::25]:465?to=me@example.org
  house: mqtt://[2001:db8::1]:1883
  phone: ntfy://[2001:db8::80]:8080/home
`)
  expect(channels['letters']).toMatchObject({ host: '2001:db8::25', port: 465 })
  expect(channels['house']).toMatchObject({ broker: 'mqtt://[2001:db8::1]:1883' })
  expect(channels['phone']).toMatchObject({ server: 'http://[2001:db8::80]:8080' })
})

test('what only hears that we are alive is nobody to tell', async () => {
  expect(incidentSettings('home', await reading('channels: { alive: https://hc-ping.com/uuid }')).canSpeak).toBe(false)
})

test('a channel is told everything, or what it takes', async () => {
  const { channels } = await reading(`
channels:
  phone: ntfys://ntfy.example/home
  guard: { kind: ntfy, topic: guard, takes: [security] }
  alive: https://hc-ping.com/uuid
`)
  const taking = (subject: 'outages' | 'security' | 'summary') =>
    Object.keys(channels).filter((name) => takes(channels[name]!, subject))
  expect([taking('outages'), taking('security'), taking('summary')]).toEqual([['phone'], ['phone', 'guard'], ['phone']])
  await expect(reading('channels: { one: { kind: ntfy, topic: x, takes: [] } }')).rejects.toThrow()
  const guard = await reading('channels: { guard: { kind: ntfy, topic: guard, takes: [security] } }')
  expect(incidentSettings('hub', guard).canSpeak).toBe(false)
})

test('a file that others may read is refused', async () => {
  await expect(reading('channels: {}', 0o644)).rejects.toMatchObject({ code: 'secret-exposed' })
})

test.each([
  ['a channel that nobody knows', 'channels: { one: gopher://hunter2 }'],
  ['a channel without its token', 'channels: { one: { kind: gotify, server: "https://hunter2.example" } }'],
  ['a secret of another form', 'channels: { one: { kind: webhook, url: "https://x.example", secret: hunter2 } }'],
  [
    'a field too many',
    'channels: { one: { kind: discord, webhook: "https://x.example", hunter2: hunter2 } }'.replace(
      'hunter2: ',
      'more: ',
    ),
  ],
  ['a schedule that is none', 'summary: hunter2'],
  ['quiet hours that never end', 'quietHours: { from: 0 22 * * *, until: 0 0 31 2 * }'],
])('%s is named, and nothing of the file is repeated', async (_what, text) => {
  const thrown: unknown = await reading(text).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'config-invalid' })
  expect((thrown as Error).message).not.toContain('hunter2')
})

test('quiet hours go over midnight, and over none', () => {
  const isQuiet = makeQuietHours({ from: '0 22 * * *', until: '0 7 * * *' })
  const at = (hour: number): Date => new Date(2026, 10, 23, hour, 30)
  expect([21, 22, 3, 6, 7, 12].map((hour) => isQuiet(at(hour)))).toEqual([false, true, true, true, false, false])
})
