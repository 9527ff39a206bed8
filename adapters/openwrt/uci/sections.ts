import type { PublicKey } from '../../../wireguard/keys.ts'

/** One section of a router's configuration (uci), with a name. */
export interface Section {
  readonly config: ConfigFile
  readonly name: string
  /** The type, e.g. `interface`, `zone`. */
  readonly type: string
  readonly options: Options
}

export type ConfigFile = 'network' | 'firewall'
/** Options of a section; a list is an array. */
export type Options = Readonly<Record<string, string | readonly string[]>>

/** The option of a private key. Here it holds the public one: the private one is put in on its way to the router. */
export const PRIVATE_KEY = 'private_key'

/**
 * The prefix of every name of ours, except the interface's section, which is named as its device is and bears the
 * option MARK. netifd and fw4 ignore options that they don't know, and LuCI keeps them.
 */
export const PREFIX = 'homeward'
export const MARK = 'homeward'

export function namedFor(interfaceName: string, what: string): string {
  return `${PREFIX}_${interfaceName}_${what}`
}

export function interfaceSection(interfaceName: string): Section {
  return {
    config: 'network',
    name: interfaceName,
    type: 'interface',
    options: { proto: 'wireguard', [MARK]: '1', nohostroute: '1' },
  }
}

/** The tunnel of homeward to which a section belongs; null: it is somebody else's. */
export function tunnelOf(section: Section): string | null {
  if (section.config === 'network' && section.type === 'interface' && section.options[MARK] !== undefined)
    return section.name
  return /^homeward_([a-z][a-z0-9_]{0,14})_[a-z0-9]+$/.exec(section.name)?.[1] ?? null
}

export function isInterface({ config, type }: Section): boolean {
  return config === 'network' && type === 'interface'
}

export function peerType(interfaceName: string): string {
  return `wireguard_${interfaceName}`
}

/** The name of a peer's section, made from its key, so that the peer keeps its section whatever others come and go. */
export function peerName(interfaceName: string, publicKey: PublicKey): string {
  return namedFor(interfaceName, `p${Buffer.from(publicKey, 'base64').subarray(0, 6).toString('hex')}`)
}

export function text(options: Options, name: string): string | null {
  const value = options[name]
  return typeof value === 'string' ? value : null
}

/** An option as a list: uci lets a list be written as one option, and an option as a list. */
export function list(options: Options, name: string): readonly string[] {
  const value = options[name]
  if (value === undefined || value === '') return []
  return typeof value === 'string' ? value.split(/\s+/) : value
}

export function keyOf({ config, name }: Pick<Section, 'config' | 'name'>): string {
  return `${config}.${name}`
}

/** Whether an option is as wanted. `uci show` prints a list of one like an option, and programs read either as both. */
export function sameValue(found: Options[string] | undefined, wanted: Options[string]): boolean {
  if (found === undefined) return false
  if (typeof wanted === 'string') return found === wanted
  const there = list({ found }, 'found')
  return there.length === wanted.length && wanted.every((item, index) => item === there[index])
}

export function sameSection(found: Section | undefined, wanted: Section): boolean {
  if (found === undefined || found.type !== wanted.type) return false
  const names = Object.keys(wanted.options)
  return (
    names.length === Object.keys(found.options).length &&
    names.every((name) => sameValue(found.options[name], wanted.options[name] ?? ''))
  )
}
