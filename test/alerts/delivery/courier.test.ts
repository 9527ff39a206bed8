import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeCourier } from '../../../alerts/delivery/courier.ts'
import type { Message } from '../../../alerts/record/message.ts'
import { openOutbox } from '../../../alerts/delivery/outbox.ts'
import { openRetained } from '../../../alerts/transport/retained.ts'
import type { ChannelSettings } from '../../../alerts/settings/settings.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { type AlertReceiver, openAlertReceiver } from '../../fake/alert-receiver.ts'
import { captureLog } from '../../hub/captured-log.ts'

let receiver: AlertReceiver
let folder: string
beforeAll(async () => {
  receiver = await openAlertReceiver(null)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))
afterAll(() => receiver.close())

const hook = (path: string): ChannelSettings => ({ kind: 'webhook', url: `http://127.0.0.1:${receiver.port}${path}` })
const messageOf = (id: string, at = new Date()): Message => ({
  id,
  kind: 'down',
  at: at.toISOString(),
  home: 'cabin',
  title: `title ${id}`,
  text: 'text',
  incident: null,
})
const idsAt = (path: string): readonly string[] =>
  receiver.received.flatMap(({ path: at, headers }) => (at === path ? [String(headers['webhook-id'])] : []))
const until = async (isSo: () => boolean): Promise<void> => {
  const end = Date.now() + 15_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not come to pass within 15 s')
    await sleep(20)
  }
}

async function deliver(
  channels: Readonly<Record<string, ChannelSettings>>,
  messages: readonly Message[],
  isEnough: () => boolean,
  more: { readonly isQuiet?: () => boolean } = {},
) {
  const { log, lines } = captureLog()
  const outbox = await openOutbox(folder, log)
  const snapshot = async () => ({ end: 'home' as const, version: '0', homes: [] })
  const courier = makeCourier({
    end: 'home',
    channels,
    outbox,
    retained: await openRetained(folder, log),
    snapshot,
    isQuiet: () => false,
    clock: systemClock,
    log,
    ...more,
  })
  const ending = new AbortController()
  const running = courier.run(ending.signal)
  for (const message of messages) outbox.put(message, Object.keys(channels))
  courier.wake()
  try {
    await until(isEnough)
    await sleep(50)
    return { status: courier.status(), lines, outbox }
  } finally {
    ending.abort()
    await running
    await outbox.saved()
  }
}

describe('receivers that fail', () => {
  test('hang, 429, 500 and a broken connection hold up nobody else, and nothing is lost', async () => {
    receiver.behave('/hang', 'hang')
    receiver.behave('/busy', { status: 429, retryAfterSeconds: 3_000 })
    receiver.behave('/broken', { status: 500 })
    receiver.behave('/gone', 'drop')
    const names = ['hang', 'busy', 'broken', 'gone', 'well']
    const channels = Object.fromEntries(names.map((name) => [name, hook(`/${name}`)]))
    const began = Date.now()
    const { status } = await deliver(channels, [messageOf('a'), messageOf('b')], () => idsAt('/well').length === 2)
    // A send is given up after 20.
    expect(Date.now() - began).toBeLessThan(15_000)
    expect(idsAt('/well')).toEqual(['a', 'b'])
    expect(status.map(({ waiting }) => waiting)).toEqual([2, 2, 2, 2, 0])
    // Asked to wait an hour, it was asked once.
    expect(idsAt('/busy')).toEqual(['a'])

    // The next run finds on disk what is left, in order.
    for (const name of names) receiver.behave(`/${name}`, 'take')
    const all = () => names.slice(0, 4).every((name) => idsAt(`/${name}`).at(-1) === 'b')
    const later = await deliver(channels, [], all)
    expect(later.status.map(({ waiting }) => waiting)).toEqual([0, 0, 0, 0, 0])
    expect(idsAt('/hang').slice(-2)).toEqual(['a', 'b'])
    expect(idsAt('/well')).toEqual(['a', 'b'])
  })

  test('one that works again gets what waited, after a pause', async () => {
    receiver.behave('/later', { status: 503, retryAfterSeconds: 1 })
    const { status, lines } = await deliver({ one: hook('/later') }, [messageOf('c')], () => {
      if (idsAt('/later').length === 1) receiver.behave('/later', 'take')
      return idsAt('/later').length === 2
    })
    expect(status).toMatchObject([{ waiting: 0, problem: null }])
    expect(JSON.stringify(lines)).not.toContain('/later')
  })
})

test('what is sent late says when it was', async () => {
  await deliver(
    { one: hook('/late') },
    [messageOf('d', new Date(Date.now() - 3_600_000))],
    () => idsAt('/late').length === 1,
  )
  const { body } = receiver.received.find(({ path }) => path === '/late')!
  expect(JSON.parse(body)).toMatchObject({
    data: { text: expect.stringMatching(/^text\n\(Sent late: this was at \d{4}-/) },
  })
})

test('in quiet hours nothing is sent, and nothing is lost', async () => {
  const begun = Date.now()
  const { outbox } = await deliver({ one: hook('/quiet') }, [messageOf('e')], () => Date.now() - begun > 500, {
    isQuiet: () => true,
  })
  expect(idsAt('/quiet')).toEqual([])
  expect(outbox.waiting('one')).toBe(1)
})

describe('the outbox', () => {
  test('keeps the newest two hundred, in a file for nobody else', async () => {
    const outbox = await openOutbox(folder, captureLog().log)
    for (let number = 0; number < 1_000; number += 1) outbox.put(messageOf(`m${number}`), ['one'])
    await outbox.saved()
    expect(outbox.waiting('one')).toBe(200)
    const again = await openOutbox(folder, captureLog().log)
    expect([again.waiting('one'), again.next('one')?.id]).toEqual([200, 'm800'])
    expect((await stat(join(folder, 'outbox.json'))).mode & 0o777).toBe(0o600)
    expect((await readFile(join(folder, 'outbox.json'))).length).toBeLessThan(100_000)
  })
  test('that is damaged is an empty one', async () => {
    await writeFile(join(folder, 'outbox.json'), '[{"message"')
    expect((await openOutbox(folder, captureLog().log)).waiting('one')).toBe(0)
  })
  test('loses nothing by an entry that a newer homeward left in it', async () => {
    const entries = [
      { message: { ...messageOf('new'), kind: 'of-tomorrow' }, waiting: ['one'] },
      { message: { ...messageOf('old'), kind: 'security' }, waiting: ['one'] },
    ]
    await writeFile(join(folder, 'outbox.json'), JSON.stringify(entries))
    const outbox = await openOutbox(folder, captureLog().log)
    expect([outbox.waiting('one'), outbox.next('one')?.id]).toEqual([1, 'old'])
  })
  test('forgets what waited for a channel that is gone', async () => {
    const outbox = await openOutbox(folder, captureLog().log)
    outbox.put(messageOf('x'), ['one', 'two'])
    outbox.keep(['two'])
    expect([outbox.waiting('one'), outbox.waiting('two')]).toEqual([0, 1])
  })
})
