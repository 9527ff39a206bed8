import { Problem } from '../../problems/problem.ts'
import type { RouterOptions } from '../home/router-options.ts'

/** What this machine becomes. */
export type Role = 'home' | 'hub'

/** The options of `homeward setup`, as commander gives them: each answers one of its questions. */
export interface SetupOptions extends Partial<RouterOptions> {
  readonly as?: string
  readonly address: readonly string[]
  readonly stun?: string
  readonly home?: string
  readonly tokenFile?: string
  readonly lan: readonly string[]
  /** false: no phone now. */
  readonly device?: string | boolean
  readonly conf?: string
}

export const WHAT = 'setting this machine up'

/** The role that the options name; null: they leave it open. @throws {Problem} `wrong-usage`. */
export function roleIn(options: SetupOptions): Role | null {
  const { as } = options
  if (as !== undefined && as !== 'hub' && as !== 'home')
    throw wrong(`--as ${JSON.stringify(as)} is neither hub nor home`, 'Pass --as hub on the VPS, --as home at home')
  const ofHub = namesOf({ '--address': options.address, '--stun': options.stun, '--home': options.home })
  const ofHome = namesOf({
    '--token-file': options.tokenFile,
    '--lan': options.lan,
    '--router': options.router,
    '--host': options.host,
    '--user': options.user,
    '--password-file': options.passwordFile,
    '--identity-file': options.identityFile,
    '--host-key': options.hostKey,
    '--port': options.port,
    '--tls-fingerprint': options.tlsFingerprint,
    '--plain': options.plain,
    '--conf': options.conf,
    // Commander’s own default of an option that has a --no-.
    '--device': typeof options.device === 'string' ? options.device : undefined,
  })
  const [other, mine] = as === 'hub' ? [ofHome, ofHub] : as === 'home' ? [ofHub, ofHome] : [ofHub, ofHome]
  if (as !== undefined && other.length > 0)
    throw wrong(`${other.join(' and ')} ${other.length === 1 ? 'is' : 'are'} not for a ${as}`, 'Leave that out')
  if (as !== undefined) return as
  if (other.length > 0 && mine.length > 0)
    throw wrong(`${other.join(' and ')} is for a hub, ${mine.join(' and ')} for a home`, 'Leave one of them out')
  return other.length > 0 ? 'hub' : mine.length > 0 ? 'home' : null
}

function namesOf(given: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [name],
  )
}

function wrong(why: string, next: string): Problem {
  return new Problem('wrong-usage', { what: WHAT, why, next })
}
