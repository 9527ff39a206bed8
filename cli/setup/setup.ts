import { networkInterfaces } from 'node:os'
import { readFile } from 'node:fs/promises'
import { agentConfigPath } from '../../agent/settings/config.ts'
import { requireRoot } from '../../agent/membership/require-root.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { isOnInternet } from '../../net/on-internet.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { thisProvider } from '../hub/provider-text.ts'
import { refuseIfAlso } from '../side/one-role.ts'
import { type Role, roleIn, type SetupOptions, WHAT } from './options.ts'
import { askChoice, hasTerminal } from './questions.ts'
import { setupHome } from './setup-home.ts'
import { setupHub } from './setup-hub.ts'
import { refuseUnanswered } from './unanswered.ts'
import { guessRole, type MachineSigns } from './which-machine.ts'

/**
 * `homeward setup`: a hub or a home of a machine that is neither, by questions at a terminal or by options. All questions
 * come before the first change. On a machine that is one already it goes on: another home, another phone.
 * @throws {Problem} `no-root`, `wrong-usage`, `setup-unanswered`, `interrupted`, and those of `hub init` and `join`.
 */
export async function setup(context: Context, options: SetupOptions): Promise<void> {
  const named = roleIn(options)
  requireRoot(WHAT)
  const present = await presentRole(context)
  if (present !== null && named !== null && named !== present) await refuseIfAlso(present, context, WHAT)
  const role = present ?? named
  const guess = guessRole(await machineSigns())
  if (!hasTerminal()) {
    const { addressKnown } = await import('./setup-hub.ts')
    const address = (role ?? guess.role) === 'hub' && present === null ? await addressKnown(options) : 'known'
    refuseUnanswered(options, { role, guess, isSetUp: present !== null, address, yes: context.yes })
  }
  const chosen = role ?? (await askRole(guess))
  await (chosen === 'hub' ? setupHub : setupHome)(context, options, present !== null)
}

async function presentRole(context: Context): Promise<Role | null> {
  if (await isThere(agentConfigPath(context.configDir))) return 'home'
  return (await isThere(hubPaths(context).config)) ? 'hub' : null
}

async function askRole({ role, why }: { readonly role: Role; readonly why: string }): Promise<Role> {
  const hint = (of: Role) => (of === role ? { hint: why } : {})
  return await askChoice<Role>(
    'Which machine is this?',
    [
      { value: 'hub', label: 'The VPS, which has a public address', ...hint('hub') },
      { value: 'home', label: 'At home: a Pi, or any Linux in the LAN', ...hint('home') },
    ],
    role,
  )
}

async function machineSigns(): Promise<MachineSigns> {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const [provider, board] = await Promise.all([
    thisProvider(),
    // As the kernel's board support names the machine; ends with a zero byte.
    readFile('/proc/device-tree/model', 'utf8').then(
      (text) => text.replaceAll('\0', '').trim(),
      () => null,
    ),
  ])
  return {
    publicAddresses: addresses
      .filter(({ family, address }) => family === 'IPv4' && isOnInternet(address))
      .map(({ address }) => address),
    provider: provider?.name ?? null,
    board,
  }
}
