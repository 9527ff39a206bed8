import { isThere } from '../../system/files/is-there.ts'
import { tryCommand } from '../../system/process/run-command.ts'

/** There while systemd runs the machine (sd_booted(3)). */
const BOOTED = '/run/systemd/system'

/** Longer than the services themselves wait until they are ready. */
const LONG = { timeoutMs: 180_000 }

/** Starts the role's service, now and at boot. @returns false where there is none, or it did not start. */
export async function startedService(role: 'home' | 'hub'): Promise<boolean> {
  const unit = role === 'hub' ? 'homeward-hub.service' : 'homeward.service'
  if (!(await isThere(BOOTED))) return false
  const known = await tryCommand('systemctl', ['cat', unit], LONG)
  if (known.exitCode !== 0) return false
  return (await tryCommand('systemctl', ['enable', '--now', unit], LONG)).exitCode === 0
}
