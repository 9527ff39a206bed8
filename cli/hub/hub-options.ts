import * as v from 'valibot'
import type { ProblemCode } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import { CidrSchema, HostSchema, PortSchema } from '../../protocol/addresses.ts'
import { HubConfigSchema, NetworkSchema } from '../../hub/settings/config.ts'
import type { Given } from '../../hub/init.ts'

export interface InitOptions {
  readonly address: readonly string[]
  readonly port?: string
  readonly network?: string
  readonly alternatePorts?: string
  readonly interface?: string
  readonly stun?: string
  /** The caller starts the daemon next. */
  readonly starts?: boolean
}

/** The options of `hub init`, checked. @throws {Problem} `address-invalid`, `prefix-invalid`, `wrong-usage`. */
export function givenSettings(options: InitOptions): Given {
  const addresses = listed(options.address.join(',')).map((text) =>
    checked(HostSchema, text, 'address-invalid', '--address'),
  )
  const { port, network, alternatePorts, interface: name } = options
  refuseTooMany(addresses, 8, '--address')
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(port === undefined ? {} : { port: portIn(port, '--port') }),
    ...(network === undefined ? {} : { network: checked(NetworkSchema, network, 'prefix-invalid', '--network') }),
    ...(alternatePorts === undefined ? {} : { alternatePorts: alternatePortsIn(alternatePorts) }),
    ...(name === undefined
      ? {}
      : { interface: checked(HubConfigSchema.entries.interface, name, 'wrong-usage', '--interface') }),
  }
}

function alternatePortsIn(text: string): number[] {
  const ports = listed(text).map((one) => portIn(one, '--alternate-ports'))
  refuseTooMany(ports, 16, '--alternate-ports')
  return ports
}

/** Refuses here what hub.yaml, once written, could not be read with. @throws {Problem} `wrong-usage`. */
function refuseTooMany(list: readonly unknown[], most: number, option: string): void {
  if (list.length <= most) return
  throw new Problem('wrong-usage', {
    what: `reading ${option}`,
    why: `${list.length} are given, and ${most} are the most`,
    next: `Leave out ${list.length - most} of them`,
  })
}

/** @throws {Problem} `prefix-invalid`. */
export function lanIn(prefixes: readonly string[]): readonly string[] {
  return prefixes.flatMap(listed).map((text) => checked(CidrSchema, text, 'prefix-invalid', '--lan'))
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000 }
const LONGEST_MS = 365 * UNIT_MS.d

/** `30m`, `24h`, `7d` as milliseconds. @throws {Problem} `wrong-usage`. */
export function durationIn(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const milliseconds = Number(count) * UNIT_MS[(unit ?? 'm') as keyof typeof UNIT_MS]
  if (milliseconds > 0 && milliseconds <= LONGEST_MS) return milliseconds
  throw new Problem('wrong-usage', {
    what: `reading --expires ${JSON.stringify(text)}`,
    why: 'expected a time of one minute to one year',
    next: 'Write it as 30m, 24h or 7d',
  })
}

/** @throws {Problem} `wrong-usage`. */
export function portIn(text: string, option: string): number {
  return checked(PortSchema, /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN, 'wrong-usage', option, text)
}

function listed(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function checked<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  code: ProblemCode,
  option: string,
  shown: unknown = value,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const why = result.issues[0].expected === null ? result.issues[0].message : `expected ${result.issues[0].expected}`
  throw new Problem(code, { what: `reading ${option} ${JSON.stringify(shown)}`, why })
}
