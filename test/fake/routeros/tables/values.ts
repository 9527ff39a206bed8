import { Refused } from '../refused.ts'

/** The kinds of value a property takes: canonical text out, or the router's refusal. */
export type Kind =
  | 'text'
  | 'flag'
  /** Stands bare: takes no value (`add blackhole`). */
  | 'bare'
  | 'number'
  | 'port'
  | 'duration'
  | 'address'
  | 'prefix'
  /** Of a rule's match: a range too, as `1.0.0.0-9.255.255.255` (manual, Filter: "IP/netmask | IP range"). */
  | 'matched-addresses'
  | 'prefixes'
  | 'list'
  | 'key'
  | 'interface'
  | 'interface-list'
  | 'gateway'

/** What names stand for on this router. */
interface Named {
  readonly isInterface: (name: string) => boolean
  readonly isInterfaceList: (name: string) => boolean
}

/** @throws {Refused} as the router says it. @param name of the property, for the message. */
export function canonical(kind: Kind, name: string, given: string, named: Named): string {
  // What a rule must not match.
  if (given.startsWith('!') && ['interface', 'interface-list', 'matched-addresses'].includes(kind))
    return `!${canonical(kind, name, given.slice(1), named)}`
  const value = given
  const invalid = (): never => {
    throw new Refused(`invalid value for argument ${name}`, 1)
  }
  switch (kind) {
    case 'text':
    case 'list':
      return value
    case 'flag':
      if (['yes', 'true'].includes(value)) return 'true'
      return ['no', 'false'].includes(value) ? 'false' : invalid()
    case 'bare':
      return value === '' ? 'true' : invalid()
    case 'number':
      return /^\d+$/.test(value) ? String(Number(value)) : invalid()
    case 'port':
      return /^\d+$/.test(value) && Number(value) <= 65_535 ? String(Number(value)) : invalid()
    case 'duration': {
      const seconds = secondsIn(value)
      return seconds === null ? invalid() : durationText(seconds)
    }
    case 'address':
      return isIpv4(value) || value.includes(':') ? value : invalid()
    case 'prefix':
      return isPrefix(value) ? value : invalid()
    case 'matched-addresses':
      return isPrefix(value) || isIpv4(value) || isRange(value) ? value : invalid()
    case 'prefixes':
      return value === '' || value.split(',').every(isPrefix) ? value : invalid()
    case 'key':
      return /^[A-Za-z0-9+/]{43}=$/.test(value) ? value : invalid()
    case 'interface':
      if (named.isInterface(value)) return value
      throw new Refused('input does not match any value of interface', 1)
    case 'interface-list':
      if (named.isInterfaceList(value)) return value
      throw new Refused(`input does not match any value of ${name}`, 1)
    case 'gateway':
      return checkedGateway(value, named.isInterface)
    default:
      return kind satisfies never
  }
}

/** `25`, `25s`, `1m5s`, `1d3h`, `00:00:25`; null when it is none. */
export function secondsIn(value: string): number | null {
  if (/^\d+$/.test(value)) return Number(value)
  const clock = /^(?:(\d+)w)?(?:(\d+)d)? ?(\d+):(\d\d):(\d\d)$/.exec(value)
  if (clock !== null) return total(clock.slice(1))
  const units = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(value)
  return units === null || value === '' ? null : total(units.slice(1))
}

function total(parts: readonly (string | undefined)[]): number {
  const sizes = [604_800, 86_400, 3_600, 60, 1]
  return parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (sizes[index] ?? 0), 0)
}

/** As v7 prints it: `1d3h12m46s`, `25s`, `0s`. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds)
  if (whole === 0) return '0s'
  let rest = whole
  return [
    ['w', 604_800],
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ]
    .map(([unit, size]) => {
      const count = Math.floor(rest / Number(size))
      rest -= count * Number(size)
      return count === 0 ? '' : `${count}${unit}`
    })
    .join('')
}

/** The other spelling that was seen of routers: `2d00:01:18`, `00:00:25`. */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds)
  const two = (value: number): string => String(value).padStart(2, '0')
  const days = Math.floor(whole / 86_400)
  const [hours, minutes] = [Math.floor(whole / 3_600) % 24, Math.floor(whole / 60) % 60]
  return `${days === 0 ? '' : `${days}d`}${two(hours)}:${two(minutes)}:${two(whole % 60)}`
}

function isIpv4(value: string): boolean {
  const parts = value.split('.')
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}

function isPrefix(value: string): boolean {
  const [address = '', length = '', ...more] = value.split('/')
  if (more.length > 0 || !/^\d{1,3}$/.test(length)) return false
  return address.includes(':') ? Number(length) <= 128 : isIpv4(address) && Number(length) <= 32
}

/** Two addresses, the first of which is not behind the second. */
function isRange(value: string): boolean {
  const ends = value.split('-')
  const [first = 0, last = 0] = ends.map((end) => end.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
  return ends.length === 2 && ends.every(isIpv4) && first <= last
}

/** Addresses, interfaces, or both as `address%interface`, several with commas. @throws {Refused} */
function checkedGateway(value: string, isInterface: (name: string) => boolean): string {
  const isGateway = (one: string): boolean => {
    const [first = '', behind] = one.split('%')
    const isAddress = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(first) || first.includes(':')
    return behind === undefined ? isAddress || isInterface(first) : isAddress && isInterface(behind)
  }
  if (value.split(',').every(isGateway)) return value
  throw new Refused('invalid value for argument gateway', 1)
}
