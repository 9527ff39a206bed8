import * as v from 'valibot'
import { NetworkSchema } from '../../hub/settings/config.ts'
import { Problem } from '../../problems/problem.ts'
import { HostSchema, ipv4Prefix, PortSchema } from '../../protocol/addresses.ts'

const textOrList = v.union([
  v.array(v.string()),
  v.pipe(
    v.string(),
    v.transform((text) => text.split(',').map((part) => part.trim())),
  ),
])
const listOf = <const One extends v.GenericSchema<string, unknown>>(one: One) =>
  v.pipe(
    textOrList,
    v.transform((all) => all.filter((part) => part !== '')),
    v.array(one),
  )
const port = v.pipe(v.string(), v.regex(/^\d{1,5}$/, 'expected a port'), v.transform(Number), PortSchema)
/** Words that compose files and people write for it. */
const switched = v.union(
  [
    v.boolean(),
    v.pipe(
      v.picklist(['true', 'yes', 'on', '1', 'false', 'no', 'off', '0']),
      v.transform((word) => ['true', 'yes', 'on', '1'].includes(word)),
    ),
  ],
  'expected yes or no',
)
const lan = v.pipe(
  v.string(),
  v.check(
    (text) => text.split('=').every((prefix) => ipv4Prefix(prefix) !== null) && text.split('=').length <= 2,
    'expected an IPv4 network such as 192.168.1.0/24, or OWN=SEEN',
  ),
)

/** One option of a container: what it may be, whose it is, and whether it must be kept out of sight. */
interface Option {
  readonly of: 'home' | 'hub'
  readonly schema: v.GenericSchema
  readonly secret: boolean
}

/**
 * All options, once for every form: `lan` is HOMEWARD_LAN in the environment, and lan in Home Assistant's options.json. A secret
 * may come in a file besides: HOMEWARD_TOKEN_FILE.
 */
export const OPTIONS = {
  token: { of: 'home', schema: v.string(), secret: true },
  lan: { of: 'home', schema: listOf(lan), secret: false },
  economy: { of: 'home', schema: switched, secret: false },
  address: { of: 'hub', schema: listOf(HostSchema), secret: false },
  port: { of: 'hub', schema: port, secret: false },
  network: { of: 'hub', schema: NetworkSchema, secret: false },
  alternate_ports: { of: 'hub', schema: listOf(port), secret: false },
} as const satisfies Readonly<Record<string, Option>>

export type OptionName = keyof typeof OPTIONS

/** What was given; the rest has homeward's defaults, or is not wanted. */
export type GivenOptions = { readonly [Name in OptionName]?: v.InferOutput<(typeof OPTIONS)[Name]['schema']> }

/** The variable of the environment. */
export function variableOf(name: OptionName): string {
  return `HOMEWARD_${name.toUpperCase()}`
}

/**
 * Reads options of either form. What is empty was not given, since compose files and forms leave it so.
 * @param where says where an option stands, for the advice.
 * @throws {Problem} `wrong-usage`, which names the option. A secret is never quoted.
 */
export function readOptions(given: Readonly<Record<string, unknown>>, where: (name: string) => string): GivenOptions {
  const names = Object.keys(given).filter((name) => !isEmpty(given[name]))
  return Object.fromEntries(names.map((name) => [name, readOption(name, given[name], where)]))
}

function readOption(name: string, value: unknown, where: (name: string) => string): unknown {
  const what = `reading the option ${where(name)}`
  if (!Object.hasOwn(OPTIONS, name))
    throw new Problem('wrong-usage', {
      what,
      why: 'there is no such option',
      next: `There are ${Object.keys(OPTIONS).join(', ')}`,
    })
  const { schema, secret } = OPTIONS[name as OptionName]
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const [{ message, expected, input }] = result.issues
  const expectation = message.startsWith('Invalid') ? `expected ${expected ?? 'something else'}` : message
  throw new Problem('wrong-usage', {
    what,
    why: secret ? expectation : `it has ${JSON.stringify(input)}; ${expectation}`,
    next: 'Correct it, then start again',
  })
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}
