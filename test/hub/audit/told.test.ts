import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Alerting, openAlerting } from '../../../alerts/alerting.ts'
import { noticesPath } from '../../../alerts/delivery/notices.ts'
import type { Noted } from '../../../hub/audit/entries.ts'
import { noticeOf } from '../../../hub/audit/told.ts'
import type { Home } from '../../../hub/core/store-document.ts'
import { type AlertReceiver, openAlertReceiver } from '../../fake/alert-receiver.ts'
import { captureLog } from '../captured-log.ts'
import { joinRequestFor, newKey, paperHub } from '../loopback-hub.ts'
import { turnedClock } from '../turned-clock.ts'

const entry = (act: Noted['act'], more: Partial<Noted> = {}): Noted => ({
  home: 'cabin',
  by: 'home',
  act,
  what: 'WHAT',
  about: 'ABOUT',
  ...more,
})

describe('of what is noted', () => {
  test.each([
    ['joined', 'joined WHAT', ['hub remove cabin']],
    ['left', 'left the hub, with its devices and published ports', ['hub invite cabin']],
    ['key', 'WHAT', ['hub revoke-other cabin']],
    ['shared', 'has two machines with WHAT', ['hub revoke-other cabin']],
    ['lan', 'changed its LAN: WHAT', ['hub home cabin --may=-lan', 'hub remove cabin']],
    ['exit', 'WHAT', ['hub home cabin --may=-exit']],
    ['device-added', 'added the device WHAT', ['device remove ABOUT', 'hub home cabin --may=-devices']],
    ['device-rotated', 'gave other keys to the device WHAT', ['device remove ABOUT', 'hub home cabin --may=-devices']],
    ['published', 'published WHAT', ['publish remove ABOUT', 'hub home cabin --may=-publish']],
  ] as const)('a home’s %s is told, with what undoes it', (act, did, undo) => {
    expect(noticeOf(entry(act))).toMatchObject({ did, undo: undo.map((one) => `sudo homeward ${one}`), allow: [] })
    expect(noticeOf(entry(act, { by: 'hub' }))).toBeNull()
    expect(noticeOf(entry(act, { home: null }))).toBeNull()
  })

  test('a wish is told with what fulfils it', () => {
    expect(noticeOf(entry('asked'))).toEqual({
      sort: 'wish',
      did: 'asks WHAT',
      undo: [],
      allow: ['sudo homeward hub approve ABOUT'],
    })
  })

  test.each(['rotated', 'refused', 'withdrawn', 'device-removed', 'invited', 'rights', 'revoked'] as const)(
    '%s stays in the log',
    (act) => expect(noticeOf(entry(act))).toBeNull(),
  )
})

/** A hub of paper with a real alarm, whose webhooks come to a receiver. */
describe('the owner', () => {
  let receiver: AlertReceiver
  let folder: string
  let stop: (() => Promise<void>)[]
  const clock = turnedClock()
  beforeAll(async () => {
    receiver = await openAlertReceiver(null)
  })
  afterAll(() => receiver.close())
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
    const url = `http://127.0.0.1:${receiver.port}${folder}`
    const yaml = `channels:
  all: ${url}/all
  guard: { kind: webhook, url: "${url}/guard", takes: [security] }
  line: { kind: webhook, url: "${url}/line", takes: [outages, summary] }
`
    await writeFile(join(folder, 'alerts.yaml'), yaml, { mode: 0o600 })
    stop = []
  })
  afterEach(async () => {
    for (const one of stop) await one()
    await rm(folder, { recursive: true })
  })

  const alarm = (): Promise<Alerting> =>
    openAlerting({
      end: 'hub',
      name: () => 'hub',
      configDir: folder,
      stateDir: folder,
      snapshot: async () => ({ end: 'hub', version: '0', homes: [] }),
      clock,
      log: captureLog().log,
    })
  const running = (alerting: Alerting): (() => Promise<void>) => {
    const ending = new AbortController()
    const run = alerting.run(ending.signal)
    return async () => {
      ending.abort()
      await run
    }
  }
  const told = (channel: string) =>
    receiver.received
      .filter(({ path }) => path === `${folder}/${channel}`)
      .map(({ body }) => JSON.parse(body) as { type: string; data: { title: string; text: string } })

  test('is told of what homes do and of nothing else, by the channels that take it, and a restart loses none', async () => {
    const { hub, alerting, store, remove } = await paperHub<Alerting>(51_820, { clock, openAlerting: alarm })
    stop.push(remove)
    const request = await joinRequestFor({ hub }, 'cabin', ['192.168.1.0/24'])
    await hub.join(request)
    const [home] = store.document.homes as [Home]
    const publish = (port: number, who: Home | null) =>
      hub.publications.add(who, {
        protocol: 'tcp',
        port,
        lastPort: port,
        address: '192.168.1.20',
        targetPort: 443,
        source: 'hide',
        outgoing: false,
        ...(who === null ? { home: 'cabin' } : {}),
      })
    for (const port of [8_001, 8_002, 8_003]) await publish(port, home)
    await publish(8_443, null)
    await expect(publish(443, home)).rejects.toMatchObject({ code: 'right-missing' })
    const first = running(alerting)
    await vi.waitFor(async () => expect(await readFile(noticesPath(folder), 'utf8')).toContain('8003/tcp'))
    await first()
    await hub.close()
    expect(told('all')).toEqual([])

    const later = await alarm()
    stop.unshift(running(later))
    clock.turn(60_000)
    await vi.waitFor(() => expect([told('all').length, told('guard').length]).toEqual([1, 1]))
    const [{ type, data }] = told('all') as [ReturnType<typeof told>[number]]
    expect([type, data.title]).toEqual([
      'homeward.security',
      'cabin: joined, published 3 ports, asks for your permission',
    ])
    expect(data.text).toMatch(/^cabin joined with 192\.168\.1\.0\/24\.$/m)
    expect(data.text).toMatch(/^cabin published 8003\/tcp to 192\.168\.1\.20:443, visitors hidden\.$/m)
    expect(data.text).toMatch(/sudo homeward hub approve r-[a-z2-7]{4}$/m)
    expect(data.text).not.toContain('8443/tcp')
    expect(data.text).not.toContain(request.homeSecret)
    later.sign('cabin', 'tunnel', 'home-dark', clock.now() - 60_000)
    await vi.waitFor(() => expect(told('line').map(({ type: kind }) => kind)).toEqual(['homeward.down']))
    expect(told('guard')).toHaveLength(1)
    await vi.waitFor(async () => expect(await readFile(noticesPath(folder), 'utf8')).toBe('[]\n'))
  })
})

test('a key that is rotated when it is due is told to nobody', async () => {
  const heard: string[] = []
  const { hub, store, clock, remove } = await paperHub<Alerting>(51_820, {
    openAlerting: async () =>
      ({
        sign: () => undefined,
        note: () => undefined,
        openOf: () => [],
        givenToHomes: () => null,
        tell: (_home: string, notices: readonly { did: string }[]) => heard.push(...notices.map(({ did }) => did)),
      }) as never,
  })
  try {
    await hub.join(await joinRequestFor({ hub }, 'cabin', ['192.168.1.0/24']))
    heard.splice(0)
    const rotate = async (hours: number): Promise<void> => {
      clock.turn(hours * 3_600_000)
      const [home] = store.document.homes as [Home]
      const said = { lan: [...home.lan], publicKey: home.publicKey, nextPublicKey: newKey() }
      const rest = { version: 1, listenPort: null, reason: 'key-rotation', reset: false, mtu: null } as const
      const more = { lastMapping: null, heartbeatSeconds: 5, triesKeep: false, visitors: false, exit: false }
      await hub.register(home, { ...said, ...rest, ...more, follows: false }, '198.51.100.1')
    }
    await rotate(1)
    expect(heard).toEqual(['rotated its WireGuard key for the first time since it joined'])
    await rotate(24)
    expect(heard).toHaveLength(1)
    await rotate(19)
    expect(heard.slice(1)).toEqual(['rotated its WireGuard key, 1140 min after the last time'])
  } finally {
    await hub.close()
    await remove()
  }
})
