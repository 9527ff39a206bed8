import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { type Alerting, openAlerting } from '../../../alerts/alerting.ts'
import { readIncidents } from '../../../alerts/record/incident-log.ts'
import type { IncidentRecord } from '../../../protocol/incidents.ts'
import { RegisterRequest } from '../../../protocol/messages.ts'
import { captureLog } from '../captured-log.ts'
import { joinRequestFor, paperHub } from '../loopback-hub.ts'
import { turnedClock } from '../turned-clock.ts'

const BEGAN = '2026-11-23T09:59:00.000Z'
const outageOf = (home: string): IncidentRecord => ({
  id: `${home}-1`,
  alias: null,
  home,
  scope: 'tunnel',
  began: BEGAN,
  ended: null,
  seconds: null,
  cause: 'flow-dead',
  causes: [],
  flaps: 0,
  unstable: false,
  tried: [],
  mapping: { before: null, after: null },
  views: { home: { began: BEGAN, ended: null }, hub: null },
  said: { down: null, recovered: null, reminded: null },
  met: false,
})

test('a home’s report speaks of that home alone, whichever home it names', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  const clock = turnedClock()
  const { hub, remove } = await paperHub<Alerting>(51_820, {
    clock,
    openAlerting: () =>
      openAlerting({
        end: 'hub',
        name: () => 'hub',
        configDir: stateDir,
        stateDir,
        snapshot: async () => ({ end: 'hub', version: '0', homes: [] }),
        clock,
        log: captureLog().log,
      }),
  })
  try {
    const request = await joinRequestFor({ hub }, 'cabin')
    await hub.join(request)
    await hub.join(await joinRequestFor({ hub }, 'lodge'))
    const cabin = hub.authenticate(`cabin.${request.homeSecret}`)
    if (cabin === null) throw new TypeError('the home is not known by its own secret')
    const registration = v.parse(RegisterRequest, {
      version: 1,
      publicKey: request.publicKey,
      lan: [],
      listenPort: null,
      reason: 'incident',
      lastMapping: null,
      incidents: { now: clock.wall().toISOString(), incidents: [outageOf('lodge')], claims: [], canSpeak: true },
    })
    const { incidents } = await hub.register(cabin, registration, '198.51.100.11')
    expect(incidents?.incidents.map(({ incident }) => incident.home)).toEqual(['cabin'])
    expect((await readIncidents(stateDir)).map(({ home }) => home)).toEqual(['cabin'])
  } finally {
    await hub.close()
    await remove()
    await rm(stateDir, { recursive: true, force: true })
  }
})

test('a bearer is a home with its own secret, and nobody without', async () => {
  const { hub, remove } = await paperHub()
  try {
    const [mine, theirs] = [await joinRequestFor({ hub }, 'cabin'), await joinRequestFor({ hub }, 'lodge')]
    await hub.join(mine)
    await hub.join(theirs)
    const who = (bearer: string): string | null => hub.authenticate(bearer)?.name ?? null
    expect([who(`cabin.${mine.homeSecret}`), who(`lodge.${theirs.homeSecret}`)]).toEqual(['cabin', 'lodge'])
    for (const bearer of [
      '',
      '.',
      'cabin',
      'cabin.',
      mine.homeSecret,
      `.${mine.homeSecret}`,
      `lodge.${mine.homeSecret}`,
      `barn.${mine.homeSecret}`,
      `cabin.${mine.homeSecret} `,
      `cabin.${mine.joinSecret}`,
    ])
      expect(who(bearer)).toBeNull()
  } finally {
    await hub.close()
    await remove()
  }
})
