import { expect, test } from 'vitest'
import { makeDeviceUse } from '../../../hub/drill/device-use.ts'
import { type DrillsDeps, makeDrills } from '../../../hub/drill/drills.ts'
import { EMPTY_DOCUMENT, type Device, type StoreDocument } from '../../../hub/core/store-document.ts'
import type { DrillResult, DrillWay } from '../../../protocol/drill.ts'
import { parsePublicKey, type PublicKey } from '../../../wireguard/keys.ts'
import { captureLog } from '../captured-log.ts'
import { cabin, lodge } from '../core/given-publications.ts'
import { turnedClock } from '../turned-clock.ts'

const phone: Device = {
  name: 'phone',
  address: '10.86.0.9',
  publicKey: parsePublicKey(`${'D'.repeat(42)}A=`),
  presharedKey: `${'E'.repeat(42)}A=` as Device['presharedKey'],
  home: 'cabin',
  addedAt: '2026-11-23T10:00:00.000Z',
}
const RESULT: DrillResult = { way: 'port', noticedSeconds: 1, healedSeconds: 3, cause: 'port-blocked', isRight: true }

function hub(more: { readonly lodgeAt?: string; readonly drills?: boolean } = {}) {
  const clock = turnedClock()
  const { log } = captureLog()
  const document: StoreDocument = { ...EMPTY_DOCUMENT, homes: [cabin, lodge], devices: [phone] }
  const bytes = new Map<PublicKey, number>([[phone.publicKey, 0]])
  const blocked: string[] = []
  const told: unknown[] = []
  const at = new Map([
    [cabin.publicKey, { address: '198.51.100.11', port: 4_000 }],
    [lodge.publicKey, { address: more.lodgeAt ?? '198.51.100.12', port: 4_000 }],
  ])
  const deps: DrillsDeps = {
    settings: () => ({ drills: more.drills ?? true, port: 51_820 }),
    document: () => document,
    alternatePorts: async () => [4_500],
    peerMonitor: { endpoint: (key) => at.get(key) ?? null },
    deviceUse: makeDeviceUse((key) => {
      const rxBytes = bytes.get(key)
      return rxBytes === undefined ? null : { rxBytes, txBytes: 0 }
    }),
    senderBlock: {
      block: async (address, port, seconds) => void blocked.push(`${address} ${port} ${seconds}`),
      unblock: async () => void blocked.push('none'),
    },
    alerting: {
      note: (event) => void told.push(event),
      testDrill: async () => [{ name: 'hook', kind: 'webhook', problem: null }],
    },
    clock,
    log,
  }
  const drills = makeDrills(deps)
  const begin = (way: DrillWay, seconds = 20, home = cabin) => drills.begin(home, { way, seconds, preview: false })
  const pass = (seconds: number): void => {
    for (let second = 0; second < seconds; second += 1) {
      clock.turn(1_000)
      drills.look()
    }
  }
  return {
    drills,
    begin,
    pass,
    clock,
    blocked,
    told,
    carry: (count: number) => bytes.set(phone.publicKey, (bytes.get(phone.publicKey) ?? 0) + count),
  }
}

test('blocks the address that WireGuard hears, and no other, for half a minute at most', async () => {
  const { drills, begin, pass, blocked } = hub()
  expect(await begin('port')).toEqual({ seconds: 20, hasOtherPorts: true })
  expect(blocked).toEqual(['198.51.100.11 51820 20'])
  expect(drills.notes()).toEqual([expect.stringContaining('cabin breaks its own tunnel on purpose (port)')])
  pass(19)
  expect(blocked).toHaveLength(1)
  pass(2)
  await expect.poll(() => blocked).toEqual(['198.51.100.11 51820 20', 'none'])
  expect(drills.notes()).toEqual([])
})

test('is refused where somebody else comes from the same address', async () => {
  const { begin, blocked } = hub({ lodgeAt: '198.51.100.11' })
  await expect(begin('port')).rejects.toMatchObject({
    code: 'drill-not-now',
    why: expect.stringContaining('lodge') as unknown,
  })
  expect(blocked).toEqual([])
})

test('is refused after twelve within an hour, and where hub.yaml says so', async () => {
  const { begin, pass } = hub()
  for (let nth = 0; nth < 12; nth += 1) {
    await begin('mapping', 1)
    pass(2)
  }
  await expect(begin('mapping', 1)).rejects.toMatchObject({ code: 'rate-limited' })
  await expect(begin('mapping', 1, lodge)).resolves.toMatchObject({ seconds: 1 })
  pass(3_600)
  await expect(begin('mapping', 1)).resolves.toMatchObject({ seconds: 1 })
  await expect(hub({ drills: false }).begin('mapping')).rejects.toMatchObject({ code: 'drill-refused' })
})

test('one at a time: not while the home’s own lasts, nor another’s block', async () => {
  const { begin } = hub()
  await begin('port')
  await expect(begin('daemon')).rejects.toMatchObject({ code: 'drill-not-now' })
  await expect(begin('port', 20, lodge)).rejects.toMatchObject({ code: 'drill-not-now' })
  await expect(begin('daemon', 20, lodge)).resolves.toBeDefined()
})

test('answers the home nothing for its time, and others as ever', async () => {
  const { drills, begin, pass } = hub()
  await begin('daemon', 10)
  expect([drills.isMuted(cabin), drills.isMuted(lodge)]).toEqual([true, false])
  pass(9)
  expect(drills.isMuted(cabin)).toBe(true)
  pass(1)
  expect(drills.isMuted(cabin)).toBe(false)
})

test('not while a device that reaches the home is in use; its upkeep is no use, nor is another home’s', async () => {
  const { begin, pass, carry } = hub()
  pass(10)
  for (let minute = 0; minute < 5; minute += 1) {
    carry(32 + 148 + 92 + 32)
    pass(25)
  }
  await expect(begin('mapping', 1)).resolves.toBeDefined()
  pass(2)
  carry(1_500)
  await expect(begin('mapping', 1)).rejects.toMatchObject({
    code: 'drill-in-use',
    why: 'the device phone uses the tunnel',
  })
  pass(60)
  await expect(begin('mapping', 1)).rejects.toMatchObject({
    why: expect.stringMatching(/phone used the tunnel \d+ s ago/) as unknown,
  })
  await expect(begin('mapping', 1, lodge)).resolves.toBeDefined()
  pass(70)
  await expect(begin('mapping', 1)).resolves.toBeDefined()
})

test('ends when the home says how it went, which is told; of what was not begun nothing is', async () => {
  const { drills, begin, blocked, told, clock } = hub()
  await expect(drills.end(cabin, RESULT)).rejects.toMatchObject({ code: 'drill-not-now' })
  await begin('port')
  expect(await drills.end(cabin, RESULT)).toEqual({ channels: [{ name: 'hook', kind: 'webhook', problem: null }] })
  expect(blocked).toEqual(['198.51.100.11 51820 20', 'none'])
  expect(told.at(-1)).toEqual({ kind: 'drill', home: 'cabin', until: clock.now() })
  await expect(drills.end(cabin, RESULT)).rejects.toMatchObject({ code: 'drill-not-now' })
})

test('a preview refuses as the real one does, and breaks and counts nothing', async () => {
  const { drills, blocked } = hub()
  for (let nth = 0; nth < 20; nth += 1)
    await expect(drills.begin(cabin, { way: 'port', seconds: 20, preview: true })).resolves.toBeDefined()
  expect(blocked).toEqual([])
  const refused = hub({ drills: false }).drills.begin(cabin, { way: 'port', seconds: 20, preview: true })
  await expect(refused).rejects.toMatchObject({ code: 'drill-refused' })
})
