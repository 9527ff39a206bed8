import { Problem } from '../../problems/problem.ts'
import { type Role, type SetupOptions, WHAT } from './options.ts'

/** What is known without asking anybody. */
export interface Known {
  /** Of the settings that are there, or of the options; null: nobody said it. */
  readonly role: Role | null
  readonly guess: { readonly role: Role; readonly why: string }
  /** It was set up before: its settings stay. */
  readonly isSetUp: boolean
  /** How the hub is reached was found out, or given. Why not, where it was not. */
  readonly address: { readonly why: string } | 'known'
  readonly yes: boolean
}

/** The questions that the options leave open, each with the option that would answer it. Pure. */
export function unanswered(options: SetupOptions, known: Known): readonly string[] {
  const role = known.role ?? known.guess.role
  return [
    ...(known.role === null
      ? [`--as hub or --as home (by its looks it is the ${known.guess.role}: ${known.guess.why})`]
      : []),
    ...(role === 'hub' ? openAtHub(options, known) : openAtHome(options, known)),
    ...(known.isSetUp || known.yes ? [] : ['--yes, to go ahead without being asked']),
  ]
}

/** @throws {Problem} `setup-unanswered` with all that is open, since there is nobody to ask. */
export function refuseUnanswered(options: SetupOptions, known: Known): void {
  const open = unanswered(options, known)
  if (open.length === 0) return
  throw new Problem('setup-unanswered', {
    what: WHAT,
    why: `there is no terminal to ask at, and the options leave open what to do`,
    next: `Pass ${open.join('; ')}. Nothing was changed`,
  })
}

function openAtHub({ home }: SetupOptions, { address, isSetUp }: Known): readonly string[] {
  return [
    ...(isSetUp || address === 'known' ? [] : [`--address HOST (${address.why})`]),
    ...(home === undefined ? ['--home NAME, such as cabin'] : []),
  ]
}

function openAtHome(options: SetupOptions, { isSetUp }: Known): readonly string[] {
  if (isSetUp) return []
  const { tokenFile, router = 'linux', host } = options
  return [
    ...(tokenFile === undefined
      ? ['--token-file FILE with the token that the hub printed, or - for standard input']
      : []),
    ...(router !== 'linux' && host === undefined ? ['--host ROUTER'] : []),
    ...(router === 'mikrotik' ? openForMikrotik(options) : router === 'openwrt' ? openForOpenwrt(options) : []),
  ]
}

function openForMikrotik({ passwordFile, tlsFingerprint, plain }: SetupOptions): readonly string[] {
  return [
    ...(passwordFile === undefined ? ['--password-file FILE'] : []),
    ...(tlsFingerprint === undefined && plain !== true ? ['--tls-fingerprint SHA256 of the router’s certificate'] : []),
  ]
}

function openForOpenwrt({ passwordFile, identityFile, hostKey }: SetupOptions): readonly string[] {
  return [
    ...(passwordFile === undefined && identityFile === undefined
      ? ['--password-file FILE or --identity-file FILE']
      : []),
    ...(hostKey === undefined ? ['--host-key SHA256 of the router’s SSH host key'] : []),
  ]
}
