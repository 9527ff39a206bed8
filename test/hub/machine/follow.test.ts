import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { EMPTY_DOCUMENT, type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { type KeptPorts, NONE_BUT_22 } from '../../../hub/core/forwarded-ports.ts'
import type { PortYield } from '../../../hub/machine/ports/kept-ports.ts'
import { makeFollow } from '../../../hub/machine/follow.ts'
import { makePeerMonitor } from '../../../hub/presence/peer-monitor.ts'
import { HubConfigSchema } from '../../../hub/settings/config.ts'
import { makeSettings } from '../../../hub/settings/settings.ts'
import type { Step } from '../../../adapters/step.ts'
import { Problem } from '../../../problems/problem.ts'
import type { Publication } from '../../../protocol/publications.ts'
import { captureLog } from '../captured-log.ts'
import { newKey } from '../loopback-hub.ts'
import { paperMachine } from '../paper-machine.ts'
import { turnedClock } from '../turned-clock.ts'

const cabin = { name: 'cabin', address: '10.86.0.2', publicKey: newKey(), lan: [] as string[] } as Home
const published: Publication = {
  protocol: 'udp',
  port: 4500,
  lastPort: 4500,
  address: '10.86.0.2',
  targetPort: 4500,
  source: 'hide',
  home: 'cabin',
  addedAt: '2026-11-23T10:00:00.000Z',
}

/** A machine of paper that does what it is told at once, while it is being made too. */
function scene(more: Partial<StoreDocument> = {}) {
  const clock = turnedClock()
  const { log, lines } = captureLog()
  const machine = paperMachine()
  const executed: Step['kind'][] = []
  const peerMonitor = makePeerMonitor(
    () => 'hw0',
    clock,
    log,
    async () => '(hidden)\t(none)\t51820\toff\n',
  )
  const warnings: string[] = []
  let kept: KeptPorts = NONE_BUT_22
  let changes: readonly PortYield[] = []
  const heard: PortYield[] = []
  const follow = makeFollow({
    settings: makeSettings(v.parse(HubConfigSchema, { addresses: ['203.0.113.10'] })),
    identity: { publicKey: newKey() },
    store: { document: { ...EMPTY_DOCUMENT, ...more } },
    adapter: {
      ...machine,
      plan: (observed, desired) => ({ ...machine.plan(observed, desired), warnings }),
      observe: async (...of) => {
        if (machine.problem !== null) throw machine.problem
        return machine.observe(...of)
      },
      execute: async (step, signal) => {
        executed.push(step.kind)
        await machine.execute(step, signal)
      },
    },
    peerMonitor,
    lastEndpoints: { of: () => null, note: () => undefined, keep: () => undefined, save: async () => undefined },
    servedPorts: async () => new Set([53]),
    ssh: { kept: () => kept, look: async () => undefined, lookFor: async () => changes },
    onYield: (some) => void heard.push(...some),
    triggerHandshakes: () => undefined,
    clock,
    log,
  })
  const sshSeenAt = (...ports: readonly number[]): void => void (kept = { ...kept, ssh: new Set([22, ...ports]) })
  const listenerAt = (change: PortYield | null): void => {
    changes = change === null ? [] : [change]
    if (change !== null) kept = { ...kept, listeners: new Set([`${change.port}/${change.protocol}`]) }
  }
  const said = (): readonly unknown[] => lines.map((line) => line['msg'])
  return { follow, machine, clock, executed, warnings, sshSeenAt, listenerAt, heard, said }
}

const no = new Problem('step-failed', { what: 'bringing hw0 up', why: 'no' })

test('takes the alternate ports that nobody else has: no program here, and no publication', async () => {
  const { follow } = scene({ publications: [published] })
  expect(follow.alternatePorts).toEqual([])
  expect(await follow.portsToTake()).toEqual([443])
  await follow.reconcile()
  expect(follow.alternatePorts).toEqual([443])
})

describe('a home whose peer shall begin anew', () => {
  test('is taken out and put in again, and not a second time within five seconds', async () => {
    const { follow, clock, executed } = scene({ homes: [cabin] })
    expect(await follow.resetPeer(cabin)).toBe(true)
    expect(executed[0]).toBe('remove-peers')
    clock.turn(4_999)
    expect(await follow.resetPeer(cabin)).toBe(false)
    expect(await follow.resetPeer({ ...cabin, name: 'lodge' })).toBe(true)
    clock.turn(1)
    expect(await follow.resetPeer(cabin)).toBe(true)
  })
})

describe('a machine that does not follow', () => {
  test('is a problem to the owner, and to a home it is tried again', async () => {
    const { follow, machine, said } = scene()
    machine.problem = no
    await expect(follow.follow(null, 'it is in the store')).rejects.toMatchObject({
      code: 'step-failed',
      why: 'it is in the store, but the machine did not follow: no',
    })
    await follow.follow(cabin, 'it is in the store')
    expect(follow.problem?.code).toBe('step-failed')
    machine.problem = null
    await follow.reconcileOrLog()
    expect(follow.problem).toBeNull()
    expect(said()).toContain('interface and firewall are as they should be again')
  })

  test('is told of once, however often it is tried', async () => {
    const { follow, machine, said } = scene()
    machine.problem = no
    await follow.reconcileOrLog()
    await follow.reconcileOrLog()
    expect(said().filter((one) => String(one).includes('bringing hw0 up'))).toHaveLength(1)
  })
})

test('an SSH server that is seen new changes the machine, and one that is known does not', async () => {
  const { follow, machine, sshSeenAt } = scene({
    homes: [cabin],
    publications: [{ ...published, protocol: 'tcp', port: 2222, lastPort: 2222 }],
  })
  await follow.reconcile()
  await follow.lookForSsh()
  expect(machine.applied).toBe(1)
  sshSeenAt(2222)
  await follow.lookForSsh()
  expect(machine.spec?.forwarding).toMatchObject({ published: [] })
  expect(machine.applied).toBe(2)
})

test('a program that listens at a published port gets its visitors, and that is told once, by its name', async () => {
  const { follow, machine, listenerAt, heard, said } = scene({ homes: [cabin], publications: [published] })
  await follow.reconcile()
  expect(machine.spec?.forwarding).toMatchObject({ published: [{ port: 4500 }] })
  const change = { protocol: 'udp', port: 4500, to: 'program', program: 'charon (process 7)' } as const
  listenerAt(change)
  await follow.lookForSsh()
  expect(machine.spec?.forwarding).toMatchObject({ published: [] })
  listenerAt(null)
  await follow.lookForSsh()
  expect(heard).toEqual([change])
  expect(said().filter((one) => String(one).includes('its visitors come to that program'))).toHaveLength(1)
})

test('what hinders it is told once; without a run it says what a run would be told', async () => {
  const { follow, warnings, said } = scene()
  warnings.push('ufw drops what comes in')
  expect(await follow.warnings()).toEqual(['ufw drops what comes in'])
  await follow.reconcileOrLog()
  await follow.reconcileOrLog()
  expect(said().filter((one) => one === 'ufw drops what comes in')).toHaveLength(1)
  warnings.push('docker too')
  expect(await follow.warnings()).toEqual(['ufw drops what comes in'])
})

test('a machine that cannot be looked at is warned of nothing: its problem is told elsewhere', async () => {
  const { follow, machine, warnings } = scene()
  warnings.push('ufw drops what comes in')
  machine.problem = no
  expect(await follow.warnings()).toEqual([])
})
