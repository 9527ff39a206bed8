import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import * as v from 'valibot'
import { type Setup, setupScript, undoScript } from '../../adapters/mikrotik/setup-script.ts'
import { Problem } from '../../problems/problem.ts'
import { HostSchema } from '../../protocol/addresses.ts'
import type { Context } from '../context.ts'
import { printFacts, tell } from '../output.ts'

export interface SetupOptions {
  readonly user: string
  readonly group: string
  readonly from?: string
  readonly address?: string
}

/** Size of the password: 144 bits; base64url, of which no character means anything to RouterOS's console. */
const PASSWORD_BYTES = 18

/**
 * `homeward router mikrotik-setup`. Only the commands go to stdout, so that they can be pasted or piped; instructions
 * go to stderr.
 */
export function routerMikrotikSetup(context: Context, options: SetupOptions): void {
  const setup = setupOf(options, randomBytes(PASSWORD_BYTES).toString('base64url'))
  const commands = setupScript(setup)
  const undo = undoScript(setup)
  printFacts(
    context,
    { user: setup.user, group: setup.group, password: setup.password, commands, undo },
    () => commands,
  )
  if (!context.json) tell(explanation(setup, undo))
}

/** The options, checked, since they become part of commands. @throws {Problem} `wrong-usage`, `address-invalid`. */
export function setupOf({ user, group, from, address }: SetupOptions, password: string): Setup {
  return {
    user: nameIn(user, '--user'),
    group: nameIn(group, '--group'),
    password,
    from: from === undefined ? null : sourceIn(from),
    address: address === undefined ? null : hostIn(address),
  }
}

function nameIn(text: string, option: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,31}$/.test(text)) return text
  throw new Problem('wrong-usage', {
    what: `reading ${option} ${JSON.stringify(text)}`,
    why: 'a name for the router has 1 to 32 of A-Z, a-z, 0-9, _, . and -',
  })
}

function sourceIn(text: string): string {
  const [address = '', length, ...rest] = text.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most)
  if (isIP(address) !== 0 && !address.includes('%') && isLength && rest.length === 0) return text
  throw new Problem('address-invalid', {
    what: `reading --from ${JSON.stringify(text)}`,
    why: 'expected an address or a prefix',
    next: 'Give this machine’s address in the LAN, for example 192.168.88.10',
  })
}

function hostIn(text: string): string {
  const parsed = v.safeParse(HostSchema, text)
  if (parsed.success) return parsed.output
  throw new Problem('address-invalid', {
    what: `reading --address ${JSON.stringify(text)}`,
    why: parsed.issues[0].message,
  })
}

function explanation({ user, address }: Setup, undo: string): string {
  return `
Paste these commands into the router's terminal (WinBox, WebFig or SSH), as its admin. If its api-ssl has a certificate
already, leave 1 and 5 out. Other programs that use api-ssl come in by the same certificate and from the same addresses.

Then, on this machine, store the password of 3, once, in a file that only its owner can read:

  umask 077; cat > router-password        (paste it, Enter, Ctrl-D)

and join with a token of your hub:

  sudo homeward join TOKEN --router mikrotik --host ${address ?? 'ROUTER'} --user ${user} --password-file router-password

It shows the certificate's fingerprint. Compare it with what the router itself says:

  /certificate/print detail where name=homeward

To take it all back, after homeward leave:

${undo
  .trimEnd()
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}`
}
