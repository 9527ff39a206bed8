import { rebootRouter } from '../../test/lab/faults/faults.ts'
import { drift, type Fault, fromNow, notByTheHomeAlone } from './fault.ts'

/** What a home meets whose tunnel ends on its router, of whatever kind. */

/** @param isBack whether the router's export is as it has to be again. */
export function atTheConsole(name: string, script: string, isBack: (text: string) => boolean = () => true): Fault {
  return drift(
    `${name} at the router's console`,
    'home',
    async ({ router }) => void (await router?.console(script)),
    async ({ router }) => router !== null && isBack(await router.export()),
  )
}

export const ROUTER_REBOOTED: Fault = notByTheHomeAlone(
  'the router rebooted (from its return)',
  null,
  5,
  async ({ lab, picture }) => {
    await rebootRouter(lab, picture.home, { offMs: 2_000 })
    return fromNow()
  },
)
