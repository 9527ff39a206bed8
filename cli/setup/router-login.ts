import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isHost } from '../../protocol/addresses.ts'
import { Problem } from '../../problems/problem.ts'
import type { RouterOptions } from '../home/router-options.ts'
import { isThere } from '../../system/files/is-there.ts'
import { WHAT } from './options.ts'
import { askSecret, askText } from './questions.ts'

/** Memory, where there is one: what a power cut leaves there is gone. */
const MEMORY = '/run'

/** The options about the router, complete, and the password that a person gave for it. */
export interface RouterLogin {
  readonly options: RouterOptions
  /** null: none is needed, or a file has it. */
  readonly password: string | null
}

/** Asks for what is missing to log in to the router, without echo where it is a secret. @throws {Problem} `interrupted`. */
export async function askLogin(options: RouterOptions): Promise<RouterLogin> {
  const { router } = options
  if (router !== 'mikrotik' && router !== 'openwrt') return { options, password: null }
  const host = options.host ?? (await askText('Address of the router', '', checkedHost))
  if (options.passwordFile !== undefined || options.identityFile !== undefined)
    return { options: { ...options, host }, password: null }
  const usual = router === 'mikrotik' ? 'homeward' : 'root'
  const user = options.user ?? (await askText(`User of the router at ${host}`, usual, required))
  return { options: { ...options, host, user }, password: await askSecret(`Password of ${user} there`, required) }
}

/** Keeps a password in a file that only root can read, for as long as `use` takes. */
export async function withPasswordFile<Result>(
  { options, password }: RouterLogin,
  use: (options: RouterOptions) => Promise<Result>,
): Promise<Result> {
  if (password === null) return await use(options)
  const folder = await mkdtemp(join((await isThere(MEMORY)) ? MEMORY : tmpdir(), 'homeward-setup-'))
  try {
    const passwordFile = join(folder, 'password')
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    return await use({ ...options, passwordFile })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function checkedHost(text: string): void {
  if (!isHost(text))
    throw new Problem('address-invalid', { what: WHAT, why: 'it is neither a host name nor an address' })
}

function required(text: string): void {
  if (text === '') throw new Problem('wrong-usage', { what: WHAT, why: 'nothing was given', next: 'Type it' })
}
