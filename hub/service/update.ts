import type { Clock } from '../../system/time/clock.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { type Actor, entriesOf, type Noted } from '../audit/entries.ts'
import { type HubKeys, noteDeviceFiles, noteHubKey } from '../core/device-files.ts'
import type { InviteContext } from '../core/invitation.ts'
import type { Occupied } from '../core/lan.ts'
import type { Change, StoreDocument } from '../core/store-document.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'

/**
 * Changes the store. `changed`: there was something to write.
 * @param by default: the hub's owner, or time.
 */
export type Update = <Result>(
  act: (document: StoreDocument, context: InviteContext) => Change<Result>,
  by?: Actor,
) => Promise<{ readonly result: Result; readonly changed: boolean }>

export interface UpdateDeps {
  readonly settings: Pick<Settings, 'current'>
  readonly store: Store
  readonly ownNetworks: (tunnelInterface: string) => Promise<readonly Occupied[]>
  /** Called when the document has changed. */
  readonly onChange: () => void
  /** The hub's keys, read at each change. */
  readonly keys: HubKeys
  readonly audit: Pick<AuditLog, 'note'>
  readonly clock: Pick<Clock, 'wall'>
}

export function makeUpdate({ settings, store, ownNetworks, onChange, keys, audit, clock }: UpdateDeps): Update {
  return async (act, by = 'hub') => {
    const own = await ownNetworks(settings.current.interface)
    const now = clock.wall()
    // Judged inside the update: other changes may come between the call and its turn, another network among them.
    let changed = false
    let entries: readonly Noted[] = []
    const result = await store.update((document) => {
      const network = networkOf(document)
      const [next, result] = act(document, { network, own, now })
      changed = next !== document
      const filed = changed ? noteDeviceFiles(document, next, { before: network, after: networkOf(next) }) : next
      const noted = noteHubKey(document, filed, keys)
      entries = changed ? entriesOf(document, noted, by) : []
      return [noted, result] as const
    })
    if (changed) onChange()
    audit.note(entries)
    return { result, changed }
  }

  function networkOf(document: StoreDocument): string {
    return document.network ?? settings.current.network
  }
}
