import { parsePickupLock } from '../../protocol/pickup.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import { localTime } from '../../system/time/local-time.ts'
import type { Context } from '../context.ts'
import { place } from '../place.ts'
import { durationIn, lanIn } from './hub-options.ts'
import { askThisHub } from '../side/hub-session.ts'
import { printFacts, tell } from '../output.ts'

/** `homeward hub invite HOME`. Without a terminal only the token goes to stdout, for scripts. */
export async function hubInvite(
  context: Context,
  home: string,
  options: {
    readonly lan: readonly string[]
    readonly expires: string
    readonly may?: string
    readonly quota?: string
    readonly pickupFile?: string
  },
): Promise<void> {
  const { may = null, quota = null, pickupFile } = options
  const pickup = pickupFile === undefined ? null : parsePickupLock(await readSecretFile(pickupFile))
  const input = { home, lan: lanIn(options.lan), expiresInMs: durationIn(options.expires), may, quota, pickup }
  const { answer } = await askThisHub(context, 'invite', input)
  if (answer.known)
    tell(
      `The hub already knows ${home}: the machine that joins with this token replaces it, with a new key and the old address.`,
    )
  printFacts(context, answer, () => (process.stdout.isTTY ? forPeople(answer) : answer.token))
}

function forPeople({ home, token, expiresAt }: { home: string; token: string; expiresAt: string }): string {
  return `${token}

The token makes a machine the home ${home}, once, until ${localTime(expiresAt)}. Keep it secret. At home

  ${firstLine(token)}
  sudo homeward join ${token}      (where homeward is installed)`
}

/** How a machine without homeward begins. */
function firstLine(token: string): string {
  if (place !== '') return `curl -fsSL ${place}/get.sh | sh -s -- home ${token}`
  return `./install.sh home ${token}      (in a checkout or a release)`
}
