import type { Refusal } from '../../observation.ts'
import { networkOf } from '../../../net/prefix.ts'
import type { ForeignNetwork } from './observation.ts'
import { isInterface, list, type Section, tunnelOf } from '../uci/sections.ts'

/** Objects of others that are in the way. Pure. */

/** @param changes the output of `uci changes`, without values. */
export function pendingChanges(changes: string): readonly Refusal[] {
  const lines = changes.split('\n').filter((line) => line !== '')
  if (lines.length === 0) return []
  const some = lines.slice(0, 3).join(', ')
  const more = lines.length > 3 ? ` and ${lines.length - 3} more` : ''
  return [
    {
      code: 'router-changes-pending',
      why: `somebody has changes on the router that are not committed (${some}${more}), and the next commit would include them`,
    },
  ]
}

/** Networks that are somebody else's, by their sections and by the present routes. */
export function foreignNetworks(sections: readonly Section[], routes: string): readonly ForeignNetwork[] {
  const configured = sections
    .filter((section) => isInterface(section) && tunnelOf(section) === null)
    .flatMap(({ name: by, options }) =>
      list(options, 'ipaddr')
        .concat(list(options, 'addresses'))
        .map((address) => ({ by, address })),
    )
    .filter(({ address }) => address.includes('/') && !address.includes(':'))
    .map(({ by, address }) => ({ prefix: networkOf(address), by: `the router’s interface ${by}` }))
  const ours = sections.flatMap((section) => tunnelOf(section) ?? [])
  const led = routes.split('\n').flatMap((line) => {
    const [, prefix, device = ''] = /^(\d+\.\d+\.\d+\.\d+\/\d+) (?:via \S+ )?dev (\S+)/.exec(line) ?? []
    return prefix === undefined || ours.includes(device) ? [] : [{ prefix, by: `a route into ${device}` }]
  })
  return [...configured, ...led]
}
