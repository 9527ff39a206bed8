import { expect, test } from 'vitest'
import type { Health } from '../../../agent/core/evidence/health.ts'
import { startWatch } from '../../../agent/core/watch.ts'
import { makeIncidentSigns } from '../../../agent/report/incident-signs.ts'
import type { KeyFileState } from '../../../agent/rotation/key-file.ts'
import type { Told } from '../../../agent/core/state.ts'
import { settings } from '../core/judged/simulation.ts'
import { turnedClock } from '../../hub/turned-clock.ts'

const BEGINNING = { ledger: { current: null, changes: 0 }, firstSequence: 0, mtu: 1_420, helped: {} }
const UP: Health = { kind: 'up', since: 0, provenAt: 990_000 }

/** What the alarm is told of what the loop tells. */
function recorder(health: Health, ...actions: readonly Told[]): readonly unknown[] {
  return recorderAt(1_420, health, ...actions)
}

/** @param mtu that the tunnel has when it is told. */
function recorderAt(mtu: number, health: Health, ...actions: readonly Told[]): readonly unknown[] {
  const heard: unknown[] = []
  const watch = {
    ...startWatch(settings, { ...BEGINNING, mtu }, 0),
    health,
  }
  const signs = makeIncidentSigns(
    {
      sign: (_home, scope, trouble, since) => void heard.push(['sign', scope, trouble, since]),
      passing: (_home, trouble) => void heard.push(['passing', trouble]),
      note: (event) => void heard.push(event),
      changed: () => undefined,
    },
    () => 'cabin',
    turnedClock(),
  )
  for (const action of actions) signs.tell(action, watch)
  return heard
}

const change: Told = {
  kind: 'tell-mapping',
  change: {
    from: { endpoint: { address: '198.51.100.11', port: 1 }, since: null },
    to: { endpoint: { address: '198.51.100.12', port: 2 }, since: 0 },
    ended: 'address',
    changes: 1,
  },
}
const moved = { kind: 'moved', home: 'cabin', before: '198.51.100.11:1', after: '198.51.100.12:2' }

test('a key that could not be given to the tunnel again is told while the tunnel is up, and not of one that was put back', async () => {
  const lookAt = async (keyFile: KeyFileState, health: Health = UP): Promise<readonly unknown[]> => {
    const heard: unknown[] = []
    const ending = new AbortController()
    const signs = makeIncidentSigns(
      {
        sign: (_home, scope, trouble) => {
          heard.push([scope, trouble])
        },
        passing: () => undefined,
        note: () => ending.abort(),
        changed: () => undefined,
      },
      () => 'cabin',
      turnedClock(),
    )
    await signs.run(
      () => ({ ...startWatch(settings, BEGINNING, 0), health }),
      () => {
        // One look is enough.
        setImmediate(() => ending.abort())
        return keyFile
      },
      ending.signal,
    )
    return heard
  }
  expect(await lookAt('damaged')).toEqual([['router', 'key-file-damaged']])
  expect(await lookAt('restored')).toEqual([])
  expect(await lookAt('whole')).toEqual([])
  expect(await lookAt('damaged', { kind: 'offline', since: 0, cause: null })).toEqual([])
})

test('the first sign of an outage is the last answer before it', () => {
  const doubtful: Health = { kind: 'doubtful', since: 995_000 }
  const told = recorder(doubtful, { kind: 'tell-health', from: UP, to: doubtful })
  expect(told).toEqual([['sign', 'tunnel', 'unknown', 990_000]])
})

test('a mapping that moved without an outage has both addresses in its incident, though it is told before its cause', () => {
  const told = recorder(UP, change, { kind: 'tell-cause', cause: 'mapping-changed' })
  expect(told.slice(-2)).toEqual([['passing', 'mapping-changed'], moved])
})

test('a cause that is named during an outage is the outage’s', () => {
  const offline: Health = { kind: 'offline', since: 1_000, cause: null }
  expect(recorder(offline, { kind: 'tell-cause', cause: 'drift' })).toEqual([['sign', 'tunnel', 'drift', 1_000]])
})

test('a smaller MTU is a remedy of what is open, and the full one again is none', () => {
  const report = { remedy: 'set-mtu', cause: 'mtu-black-hole', helped: true, seconds: 0.02 } as const
  const remedy: Told = { kind: 'tell-remedy', report }
  expect(recorderAt(1_280, UP, remedy)).toEqual([{ kind: 'tried', home: 'cabin', tried: report }])
  expect(recorderAt(1_420, UP, remedy)).toEqual([])
})
