import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IncidentRecord } from '../../protocol/incidents.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Host } from '../lab/host/host.ts'
import type { Received } from '../fake/alert-receiver.ts'
import type { Receiver } from '../lab/places/receiver.ts'
import { readIncidents } from '../../alerts/record/incident-log.ts'

/** What a webhook of ours says. */
export interface Told {
  readonly at: number
  readonly kind: string
  readonly home: string
  readonly title: string
  readonly text: string
  readonly incident: { readonly id: string; readonly cause: string } | null
}

/** Writes alerts.yaml, whole at once; what runs takes it within seconds. */
export async function writeAlerts(host: Host, yaml: string): Promise<void> {
  const path = join(host.disk.configDir, 'alerts.yaml')
  await writeFile(`${path}.new`, yaml, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** What the webhook at this path was told of outages, oldest first: a home that joins is told too, a minute later. */
export async function toldAt(receiver: Receiver, path: string): Promise<readonly Told[]> {
  const all = (await receiver.received()).filter((one) => one.path === path).map(asTold)
  return all.filter(({ kind }) => kind !== 'security')
}

/** Waits until so many came there. @throws with what came, when that takes too long. */
export async function waitForTold(
  receiver: Receiver,
  path: string,
  isEnough: (told: readonly Told[]) => boolean,
  timeoutMs: number,
): Promise<readonly Told[]> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const told = await toldAt(receiver, path)
    if (isEnough(told)) return told
    if (performance.now() > until)
      throw new Error(`after ${timeoutMs / 1_000} s ${path} was told ${JSON.stringify(told.map(({ title }) => title))}`)
    await sleep(200)
  }
}

/** What `homeward events --json` prints of them; without its program, since whoever waits asks often. */
const incidentsOf = (host: Host): Promise<readonly IncidentRecord[]> => readIncidents(host.disk.stateDir)

/** Waits until the record is as wanted. @throws with what stands there, when that takes too long. */
export async function waitForIncident(
  host: Host,
  isWanted: (incident: IncidentRecord) => boolean,
  timeoutMs: number,
): Promise<IncidentRecord> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const all = await incidentsOf(host)
    const found = all.findLast(isWanted)
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`after ${timeoutMs / 1_000} s there is only ${JSON.stringify(all)}`)
    await sleep(500)
  }
}

function asTold({ at, body }: Received): Told {
  const { type, data } = JSON.parse(body) as { type: string; data: Omit<Told, 'at' | 'kind'> }
  return { ...data, at, kind: type.replace('homeward.', '') }
}
