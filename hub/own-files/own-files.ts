import type { Alerting } from '../../alerts/alerting.ts'
import { watchFile } from '../../system/files/file-watch.ts'
import type { Log } from '../../system/process/log.ts'
import { runCommand } from '../../system/process/run-command.ts'
import type { Clock } from '../../system/time/clock.ts'
import { parsePrivateKey, type PublicKey } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { isReadFromCopy } from '../settings/identity.ts'
import type { OwnIdentity } from '../settings/own-identity.ts'
import type { HubPaths } from '../settings/paths.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import type { Store } from '../store/store.ts'
import { handOverFile } from './hand-over-file.ts'
import { keyFile } from './key-file.ts'
import { afterLook, isTrouble, type OwnFile, type OwnFileState, ownFileWarning } from './own-file.ts'

/** Looks after the files without which the hub cannot be started again, though it runs without them. */
export interface OwnFiles {
  /** The file that has WireGuard's private key now. */
  readonly privateKeyFile: () => string
  readonly warnings: () => readonly string[]
  /** Looks every two seconds whether one of them changed, and each hour at what is in them. Never throws. */
  readonly watch: (alarm: Pick<Alerting, 'sign' | 'note'>, signal: AbortSignal) => Promise<void>
}

export interface OwnFilesDeps {
  readonly paths: HubPaths
  readonly identity: Pick<OwnIdentity, 'files' | 'publicKey' | 'tls' | 'fromCopies' | 'handOver' | 'onChange'>
  readonly store: Pick<Store, 'path' | 'check'>
  readonly interfaceName: () => string
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'warn' | 'error' | 'info'>
}

const EVERY_MS = 3_600_000
const LOOK_MS = 10_000

/** The name under which the hub tells of itself: incidents are of homes else. */
const HUB = 'hub'

export function makeOwnFiles({ paths, identity, store, interfaceName, clock, log }: OwnFilesDeps): OwnFiles {
  const storeFile: OwnFile = { path: store.path, of: 'store', check: store.check }
  const handOver = handOverFile(paths, () => identity.handOver)
  let files = identity.files
  let [privateKey, ...others] = keyFiles()
  let all: readonly OwnFile[] = [privateKey, ...others, storeFile, handOver]
  const states = new Map<OwnFile, OwnFileState>(
    Object.values(files).flatMap((file) => {
      const own = all.find(({ path }) => path === file.path)
      return own !== undefined && isReadFromCopy(identity, file) ? [[own, { kind: 'copied', copy: file.copy }]] : []
    }),
  )
  /** Ends when the hub has other keys, and with them other files. */
  let period = branchSignal()
  identity.onChange(() => {
    for (const file of [privateKey, ...others]) states.delete(file)
    files = identity.files
    ;[privateKey, ...others] = keyFiles()
    all = [privateKey, ...others, storeFile, handOver]
    period.end()
  })

  function keyFiles(): readonly [OwnFile, ...(readonly OwnFile[])] {
    return [
      keyFile(files.privateKey, (signal) => runningKey(interfaceName(), identity.publicKey, signal)),
      keyFile(files.tlsKey, async () => identity.tls.key),
      keyFile(files.certificate, async () => identity.tls.certificate),
    ]
  }

  const stateOf = (file: OwnFile): OwnFileState => states.get(file) ?? { kind: 'whole' }
  const warningOf = (file: OwnFile): string | null => ownFileWarning(file, stateOf(file))

  async function look(file: OwnFile): Promise<void> {
    const before = warningOf(file)
    states.set(file, afterLook(stateOf(file), await file.check(AbortSignal.timeout(LOOK_MS))))
    const after = warningOf(file)
    if (after === before) return
    if (after === null) log.info({ path: file.path }, 'the file is as it should be again')
    else if (isTrouble(stateOf(file))) log.error(after)
    else log.warn(after)
  }

  async function watch(file: OwnFile, alarm: Pick<Alerting, 'sign' | 'note'>, signal: AbortSignal): Promise<void> {
    const watched = await watchFile(file.path)
    let lookedAt = -Infinity
    let isChanged = false
    for await (const change of watched.looks(signal)) {
      if (change === 'missing') continue
      // Whoever writes it may be at it still: it is looked at once it stands still.
      const isDue = change === 'same' && (isChanged || clock.now() - lookedAt >= EVERY_MS)
      isChanged = change !== 'same'
      if (!isDue) continue
      await look(file)
      lookedAt = clock.now()
      tell(alarm)
    }
  }

  function tell(alarm: Pick<Alerting, 'sign' | 'note'>): void {
    if (all.some((file) => isTrouble(stateOf(file)))) alarm.sign(HUB, 'hub-files', 'hub-file-damaged', clock.now())
    else alarm.note({ kind: 'well', home: HUB, scope: 'hub-files', since: clock.now() })
  }

  return {
    privateKeyFile: () => (stateOf(privateKey).kind === 'copied' ? files.privateKey.copy : files.privateKey.path),
    warnings: () => all.flatMap((file) => warningOf(file) ?? []),
    watch: async (alarm, signal) => {
      while (!signal.aborted) {
        period = branchSignal(signal)
        const { signal: ended } = period
        await Promise.all(all.map((file) => watch(file, alarm, ended)))
      }
    },
  }
}

/** The private key that the interface has, where it is this hub's; null: it is not. It is never an argument. */
async function runningKey(name: string, publicKey: PublicKey, signal: AbortSignal): Promise<string | null> {
  try {
    const { stdout } = await runCommand('wg', ['show', name, 'private-key'], { signal })
    return publicKeyOf(parsePrivateKey(stdout)) === publicKey ? stdout : null
  } catch {
    return null
  }
}
