import type { Clock } from '../../system/time/clock.ts'
import type { InviteContext } from '../core/invitation.ts'
import type { Occupied } from '../core/lan.ts'
import type { Change, StoreDocument } from '../core/store-document.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'

/** Changes the store. `changed`: there was something to write. */
export type Update = <Result>(
  act: (document: StoreDocument, context: InviteContext) => Change<Result>,
) => Promise<{ readonly result: Result; readonly changed: boolean }>

export interface UpdateDeps {
  readonly settings: Pick<Settings, 'current'>
  readonly store: Store
  readonly ownNetworks: (tunnelInterface: string) => Promise<readonly Occupied[]>
  /** Called when the document has changed. */
  readonly onChange: () => void
  readonly clock: Pick<Clock, 'wall'>
}

export function makeUpdate({ settings, store, ownNetworks, onChange, clock }: UpdateDeps): Update {
  return async (act) => {
    const { network, interface: tunnelInterface } = settings.current
    const context = { network, own: await ownNetworks(tunnelInterface), now: clock.wall() }
    // Judged inside the update: other changes may come between the call and its turn.
    let changed = false
    const result = await store.update((document) => {
      const [next, result] = act(document, context)
      changed = next !== document
      return [next, result] as const
    })
    if (changed) onChange()
    return { result, changed }
  }
}
