import { expect, onTestFinished, test, vi } from 'vitest'
import { newIncident } from '../../../alerts/core/incident.ts'
import { sendSummaries } from '../../../alerts/delivery/summaries.ts'
import { openIncidentLog } from '../../../alerts/record/incident-log.ts'
import type { Message } from '../../../alerts/record/message.ts'
import { toRecord } from '../../../alerts/record/record.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { stateFolder } from '../../adapters/state-folder.ts'

const EACH_SECOND = '* * * * * *'

test('each summary counts what began since the one before', async () => {
  const stateDir = await stateFolder()
  const began = new Date(Date.now() + 6_000)
  const cabin = {
    id: 'cabin-1',
    home: 'cabin',
    scope: 'tunnel',
    began: 0,
    trouble: 'flow-dead',
    seenBy: 'home',
  } as const
  const record = toRecord({ ...newIncident(cabin), ended: 2_000 }, (at) => new Date(began.getTime() + at), 0)
  expect(await openIncidentLog(stateDir, 'home').write(record)).toBeNull()

  const sent: Message[] = []
  const ending = new AbortController()
  const deps = {
    stateDir,
    name: () => 'cabin',
    send: (message: Message) => void sent.push(message),
    clock: systemClock,
  }
  const running = sendSummaries(EACH_SECOND, deps, ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await running
  })
  await vi.waitFor(() => expect(sent.at(-1)?.text).toMatch(/^No outage/))
  expect(sent[0]).toMatchObject({ kind: 'summary', title: 'cabin: summary', text: expect.stringMatching(/^1 outage/) })
  for (const [index, { text }] of sent.slice(1).entries())
    expect(text.startsWith('1 outage')).toBe(sent[index]!.at <= began.toISOString())
})

test('without a moment for it none is sent', async () => {
  const send = (): void => expect.unreachable()
  await sendSummaries(
    null,
    { stateDir: '/nowhere', name: () => 'cabin', send, clock: systemClock },
    new AbortController().signal,
  )
})
