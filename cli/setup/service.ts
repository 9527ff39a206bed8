import { handOverFolders } from '../home/hand-over.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { tell } from '../output.ts'
import { howToStart } from '../side/how-to-start.ts'
import { startedService } from '../side/started-service.ts'
import type { Role } from './options.ts'
import { withProgress } from './progress.ts'

/** There while systemd runs the machine (sd_booted(3)). */
const BOOTED = '/run/systemd/system'

/** Gives the service its files and starts it, now and at boot; where that is not possible, says what to do. */
export async function startRole(context: Context, role: Role): Promise<void> {
  await handOverFolders(context)
  const unit = role === 'hub' ? 'homeward-hub' : 'homeward'
  if (!(await isThere(BOOTED))) return tell(`Start it, since this machine has no systemd: ${await howToStart(role)}.`)
  const runs = await withProgress(`Starting ${unit}`, () => startedService(role))
  if (runs) tell(`${unit} runs, and starts at boot.`)
  else tell(`Warning: ${unit} did not start. Its log: journalctl -u ${unit}. Then: ${await howToStart(role)}.`)
}
