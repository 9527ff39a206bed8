import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { NameSchema } from '../../protocol/names.ts'
import { localTime } from '../../system/time/local-time.ts'
import type { Context } from '../context.ts'
import { addressOf, explained, lookOutside } from '../hub/choose-address.ts'
import { makeHub } from '../hub/hub-init.ts'
import { givenSettings } from '../hub/hub-options.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts, tell } from '../output.ts'
import { place } from '../place.ts'
import { askThisHub } from '../side/hub-session.ts'
import { type SetupOptions, WHAT } from './options.ts'
import { withProgress } from './progress.ts'
import { askText, hasTerminal } from './questions.ts'
import { startRole } from './service.ts'

const DAY_MS = 24 * 3_600_000

/** The VPS: the hub, its service, and a token for the first home, or for another one where the hub is there already. */
export async function setupHub(context: Context, options: SetupOptions, isSetUp: boolean): Promise<void> {
  const addresses = isSetUp || options.address.length > 0 ? options.address : [await findAddress(options.stun)]
  const given = givenSettings({ address: addresses })
  const home = checkedName(options.home ?? (await askText('Name of the home that joins first', 'home', checkedName)))
  if (isSetUp) tell('This hub is set up already; its settings stay.')
  else {
    const made = await orNoRoot(() => makeHub(context, given))
    if (made === null) return tell('Nothing was changed.')
    tell(`\n${made.firewall}\n`)
    await startRole(context, 'hub')
  }
  const input = { home, lan: [], expiresInMs: DAY_MS, may: null, quota: null, pickup: null }
  const { answer, daemon } = await askThisHub(context, 'invite', input)
  // Without a daemon it was root who wrote the store.
  if (!daemon) await startless(context)
  printFacts(context, { role: 'hub', ...answer }, () => (hasTerminal() ? forPeople(answer) : answer.token))
}

/** Whether the hub's address is given, or known for certain. */
export async function addressKnown({ address, stun }: SetupOptions): Promise<{ readonly why: string } | 'known'> {
  if (address.length > 0) return 'known'
  const found = await lookOutside(stun)
  return found.kind === 'own' ? 'known' : { why: explained(found).why }
}

async function findAddress(stun: string | undefined): Promise<string> {
  const found = await withProgress('Finding out how this machine is reached from outside', () => lookOutside(stun))
  return await addressOf(WHAT, found)
}

async function startless(context: Context): Promise<void> {
  const { handOverFolders } = await import('../home/hand-over.ts')
  await handOverFolders(context)
}

/** @throws {Problem} `home-name-invalid`. */
function checkedName(name: string): string {
  if (v.is(NameSchema, name)) return name
  const why = `${JSON.stringify(name)} is not a valid name for a home`
  throw new Problem('home-name-invalid', { what: WHAT, why })
}

function forPeople({ home, token, expiresAt }: { home: string; token: string; expiresAt: string }): string {
  const line = place === '' ? './install.sh' : `curl -fsSL ${place}/get.sh | sh -s -- home ${token} --device phone`
  const pasted = place === '' ? ', and paste this token when it asks for it' : ', which has the token in it'
  return `
Now at home, on the Pi, until ${localTime(expiresAt)}:

  ${line}

in the folder of homeward${pasted} (or sudo homeward setup, where it is installed):

${token}

It makes a machine the home ${home}, once. Keep it secret.`
}
