import { Problem } from '../../problems/problem.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { changeAlertsFile, removeFromList } from './alerts-file.ts'

/** `homeward alert remove NAME`. @throws {Problem} `channel-missing`, and as `changeAlertsFile`. */
export async function alertRemove(context: Context, name: string): Promise<void> {
  const path = await changeAlertsFile(context.configDir, (document, has) => {
    if (!has(name))
      throw new Problem('channel-missing', {
        what: `removing the channel ${JSON.stringify(name)}`,
        ...(name.startsWith('hub/')
          ? {
              why: 'the hub gives it to this home',
              next: `Remove it there: sudo homeward alert remove ${name.slice('hub/'.length)}`,
            }
          : { why: 'alerts.yaml has none of that name', next: 'See the names with homeward alert list' }),
      })
    document.deleteIn(['channels', name])
    removeFromList(document, 'everywhere', name)
  })
  printFacts(context, { removed: name }, () => `Removed ${name} from ${path}. Messages that wait for it are dropped.`)
}
