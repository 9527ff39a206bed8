import { text as textOf } from 'node:stream/consumers'
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { refuseSecondJoin } from '../../agent/membership/join.ts'
import { Problem } from '../../problems/problem.ts'
import { isPickupCode, parsePickupCode } from '../../protocol/pickup.ts'
import { NameSchema } from '../../protocol/names.ts'
import { parseToken } from '../../protocol/token.ts'
import type { Context } from '../context.ts'
import { deviceAdd } from '../device/device-add.ts'
import { joinAsked, provenLines } from '../home/join.ts'
import { joinedFacts } from '../home/joined-facts.ts'
import { tokenOf } from '../home/pick-up.ts'
import { printFacts, tell } from '../output.ts'
import { chooseEnd } from './choose-end.ts'
import { type SetupOptions, WHAT } from './options.ts'
import { beginProgress, type Progress } from './progress.ts'
import { askSecret, askText, hasTerminal } from './questions.ts'
import { askLogin, withPasswordFile } from './router-login.ts'
import { startRole } from './service.ts'

/** The home: joined, its service, and the first phone; only another phone where it has joined already. */
export async function setupHome(context: Context, options: SetupOptions, isSetUp: boolean): Promise<void> {
  if (isSetUp) {
    tell('This home has joined already; its settings stay.')
    const device = await deviceName(options)
    return device === null ? undefined : await showDevice(context, device, options)
  }
  await refuseSecondJoin(context.configDir)
  const token = await givenToken(options)
  const { router, ...access } = await endOf(options)
  const login = await askLogin({ ...access, router })
  const device = await deviceName(options)

  let progress: Progress | null = null
  const joined = await withPasswordFile(login, async (routerOptions) => {
    const picked = await tokenOf(context, token, { again: false, dryRun: false })
    const how = { ...routerOptions, lan: options.lan, interface: 'hw0', starts: true }
    return await joinAsked(context, picked, how, () => {
      progress = beginProgress('Joining')
    })
  }).finally(() => progress?.end())
  if (joined === null) return tell('Nothing was changed.')
  tell(provenLines(joined).join('\n'))
  await startRole(context, 'home')
  if (device !== null) return await showDevice(context, device, options)
  printFacts(context, joinedFacts(joined), () => 'A phone or laptop joins with: sudo homeward device add NAME --qr')
}

/** What the options say of the router, or what was found and chosen. */
async function endOf(options: SetupOptions) {
  const { host, user, passwordFile, identityFile, hostKey, port, tlsFingerprint, plain } = options
  const given = { host, user, passwordFile, identityFile, hostKey, port, tlsFingerprint, plain }
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (options.router !== undefined) return { router: options.router, ...named }
  // In a pipe nobody chooses, and this machine needs no login.
  if (!hasTerminal()) return { router: 'linux', ...named }
  return { ...named, ...(await chooseEnd()) }
}

/** @throws {Problem} `token-*`, before anything else is asked. */
async function givenToken({ tokenFile }: SetupOptions): Promise<string> {
  if (tokenFile === undefined) return await askSecret('The token that the hub printed (paste it)', checkedToken)
  const token = (tokenFile === '-' ? await textOf(process.stdin) : await fileText(tokenFile)).trim()
  checkedToken(token)
  return token
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    const why = (thrown as Error).message
    throw new Problem('config-unreadable', { what: `reading the token in ${path}`, why, cause: thrown })
  }
}

function checkedToken(token: string): void {
  if (isPickupCode(token)) parsePickupCode(token)
  else parseToken(token)
}

/** null: none now. */
async function deviceName({ device }: SetupOptions): Promise<string | null> {
  if (device === false) return null
  if (typeof device === 'string') return checkedDevice(device)
  return hasTerminal() ? await askText('Name of your phone', 'phone', checkedDevice) : 'phone'
}

/** @throws {Problem} `device-name-invalid`. */
function checkedDevice(name: string): string {
  if (v.is(NameSchema, name)) return name
  throw new Problem('device-name-invalid', { what: WHAT, why: `${JSON.stringify(name)} is not a valid name` })
}

async function showDevice(context: Context, device: string, { conf }: SetupOptions): Promise<void> {
  const where = conf === undefined ? { qr: true } : { conf }
  await deviceAdd(context, device, { ...where, home: [], to: [], dns: [] })
  tell('What the tunnel does, at any time: homeward status')
}
