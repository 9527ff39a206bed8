import { asProblem } from '../../problems/problem.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Log } from '../../system/process/log.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { noteHeardDevices } from '../core/device-files.ts'
import {
  begin,
  breakWith,
  cancel,
  change,
  type HandOver,
  isDue,
  newestCertificate,
  refuseLeavingBehind,
  standingOf,
} from '../core/hand-over.ts'
import type { Home } from '../core/store-document.ts'
import type { Follow } from '../machine/follow.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'
import { type IdentityReport, identityReport } from '../report/identity-report.ts'
import type { OwnIdentity } from '../settings/own-identity.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import type { Visitors } from '../visitors/visitors.ts'
import type { GatheredHomes } from './gather-homes.ts'
import type { Update } from './update.ts'

/** The change of the hub's own key and certificate, asked by its owner. */
export interface IdentityChange {
  /** Makes the next key and certificate, and tells homes of them; where all of them have it, the change takes place. */
  readonly rotate: (how: RotateHow) => Promise<IdentityReport>
  readonly report: () => IdentityReport
  /** Lets the change take place that nobody is waited for any more. Called each second. Never throws. */
  readonly settle: () => Promise<void>
  /** Waits for the changes under way. */
  readonly settled: () => Promise<void>
}

export interface RotateHow {
  /**
   * `announce`: when all homes have confirmed. `now`: at once; homes that can follow find their way when they come back.
   * `cancel`: not at all. `stolen`: at once, with nothing that leads to it, so that every home must be invited again.
   */
  readonly when: 'announce' | 'now' | 'cancel' | 'stolen'
  /** Whether homes that cannot follow are cut off, rather than that nothing is changed. */
  readonly leaveBehind: boolean
}

export interface IdentityChangeDeps {
  readonly identity: OwnIdentity
  readonly settings: Pick<Settings, 'current'>
  readonly store: Pick<Store, 'document'>
  readonly update: Update
  readonly machine: Pick<Follow, 'follow' | 'reconcileOrLog'>
  readonly peerMonitor: Pick<PeerMonitor, 'statsOf'>
  /** Whether a home was heard lately; null where no daemon runs, and nobody can be told of the moment. */
  readonly isHeard: ((home: Home) => boolean) | null
  readonly gathered: GatheredHomes
  /** Lets homes ask what is news to them. */
  readonly visitors: Pick<Visitors, 'haveNews'>
  readonly audit: Pick<AuditLog, 'note'>
  readonly today: () => Date
  readonly log: Log
}

const CHANGED = 'changed to the next key and certificate'
const REPLACED = 'replaced by a key and certificate to which nothing leads'

/** How long homes are waited for that confirmed: an idle one asks with its next heartbeat, or 5 s after the last time. */
const GATHER_MS = 8_000

/** How much later than the change a handshake must be to be one with the new key: the monitor looks each second. */
const MARGIN_SECONDS = 5

export function makeIdentityChange(deps: IdentityChangeDeps): IdentityChange {
  const { identity, settings, store, update, machine, peerMonitor, audit, today, log } = deps
  const mutex = makeMutex()
  /** The certificate that homes were last asked to hear of; null: none since this process began. */
  let newsOf: string | null = null
  /** What went wrong the last time, which is said once. */
  let failed = ''

  async function keep(next: HandOver, what: string): Promise<void> {
    const before = identity.fingerprint
    await identity.keep(next)
    audit.note([{ home: null, by: 'hub', act: 'identity', what }])
    const { publicKey, fingerprint } = identity
    log.info({ publicKey, certificate: fingerprint }, `the hub’s identity: ${what}`)
    askHomes()
    if (fingerprint !== before) await machine.follow(null, 'the hub has its next key')
  }

  /** Homes that can follow ask with their next heartbeat, and hear of it. */
  function askHomes(): void {
    newsOf = newestCertificate(identity.handOver)
    const newest = newsOf
    const waiting = store.document.homes.filter((home) => standingOf(home, newest) === 'waiting')
    deps.visitors.haveNews(waiting.map(({ name }) => name))
  }

  /** Changes at a moment that homes know of: those that are there wait for it, and follow at once. */
  async function changeTogether(to: () => HandOver): Promise<void> {
    const newest = newestCertificate(identity.handOver)
    const ready = store.document.homes.filter(
      (home) => standingOf(home, newest) === 'confirmed' && deps.isHeard?.(home) === true,
    )
    const names = ready.map(({ name }) => name)
    try {
      await deps.gathered.gather(names, GATHER_MS)
      await keep(to(), CHANGED)
    } finally {
      deps.gathered.release()
    }
  }

  async function changeIfDue(): Promise<void> {
    if (isDue(identity.handOver, store.document)) await changeTogether(() => change(identity.handOver, today()))
  }

  async function rotate({ when, leaveBehind }: RotateHow): Promise<void> {
    const { handOver } = identity
    const draft = () => identity.draft(settings.current.addresses)
    if (when === 'cancel') return await keep(cancel(handOver), 'the change that was announced is cancelled')
    // What was announced lay beside what was stolen.
    if (when === 'stolen') return await keep(breakWith(handOver, await draft(), today()), REPLACED)
    if (when === 'now') refuseLeavingBehind(store.document, leaveBehind, 'changing the hub’s key')
    const announced = begin(handOver, handOver.next ?? (await draft()), leaveBehind, today())
    if (when === 'now') return await changeTogether(() => change(announced, today()))
    if (handOver.next?.leavesBehind !== leaveBehind) await keep(announced, 'the next key and certificate are announced')
    await changeIfDue()
  }

  /** Devices that got in since the change have the present key in their files. */
  async function noteDevices(): Promise<void> {
    const since = identity.handOver.present?.since
    if (since === undefined) return
    const sinceSeconds = (today().getTime() - Date.parse(since)) / 1_000 - MARGIN_SECONDS
    const isHeard = ({ publicKey }: { readonly publicKey: Parameters<PeerMonitor['statsOf']>[0] }): boolean =>
      (peerMonitor.statsOf(publicKey)?.lastHandshakeSeconds ?? Infinity) < sinceSeconds
    const noted = noteHeardDevices(store.document, identity, isHeard)
    if (noted !== store.document) await update((document) => [noteHeardDevices(document, identity, isHeard), null])
  }

  const report = (): IdentityReport => identityReport(identity, store.document)

  let isSettling = false
  return {
    report,
    settled: mutex.settled,
    rotate: (how) =>
      mutex.runExclusive(async () => {
        await rotate(how)
        return report()
      }),
    settle: async () => {
      if (isSettling) return
      isSettling = true
      try {
        if (newsOf !== newestCertificate(identity.handOver)) askHomes()
        await mutex.runExclusive(changeIfDue)
        await noteDevices()
        failed = ''
      } catch (thrown) {
        const { code, message } = asProblem(thrown, 'changing the hub’s key')
        if (message !== failed) log.error({ code }, message)
        failed = message
      } finally {
        isSettling = false
      }
    },
  }
}
