import * as v from 'valibot'
import { describeStep } from '../adapters/describe-step.ts'
import { InterfaceNameSchema } from '../adapters/interface-name.ts'
import { type AgentConfig, firstHub, LanModeSchema } from '../agent/config.ts'
import { type Joined, joinHome } from '../agent/join.ts'
import { Problem } from '../problems/problem.ts'
import { canonicalPrefix } from '../protocol/addresses.ts'
import { systemClock } from '../system/clock.ts'
import { formatEndpoint } from '../wireguard/spec.ts'
import { confirm } from './confirm.ts'
import type { Context } from './context.ts'
import { refuseIfAlso } from './one-role.ts'
import { printFacts, tell } from './output.ts'

export interface JoinOptions {
  readonly lan: readonly string[]
  readonly lanMode: string
  readonly router: string
  readonly interface: string
  readonly economy?: boolean
  readonly dryRun?: boolean
}

/** `homeward join TOKEN`. Whatever fails, and whoever interrupts it: nothing of it stays. */
export async function join(context: Context, token: string, options: JoinOptions): Promise<void> {
  if (options.router !== 'linux')
    throw new Problem('router-unsupported', {
      what: 'joining the hub',
      why: `--router ${JSON.stringify(options.router)} is not something this version configures`,
    })
  await refuseIfAlso('hub', context, 'joining the hub')
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ending.abort())
  const dryRun = options.dryRun === true
  const joined = await joinHome(
    context,
    {
      token,
      lan: options.lan.map(prefixIn),
      lanMode: checked(LanModeSchema, options.lanMode, '--lan-mode'),
      economy: options.economy === true,
      interface: checked(InterfaceNameSchema, options.interface, '--interface'),
    },
    {
      tell,
      agree: async (config, { steps }) => {
        const lines = steps.map(describeStep)
        if (dryRun) printFacts(context, { home: config.home, steps }, () => [heading(config), ...lines].join('\n  '))
        else tell([heading(config), ...lines].join('\n  '))
        return !dryRun && (await confirm(context, 'Do this?', 'joining the hub'))
      },
    },
    systemClock,
    ending.signal,
  )
  if (joined !== null) return printFacts(context, joinedFacts(joined), () => joinedText(joined))
  if (!dryRun) tell('Nothing was changed.')
}

function heading(config: AgentConfig): string {
  const { addresses, address } = firstHub(config)
  return `This machine becomes the home ${config.home}, ${address} in the tunnel to ${addresses[0]}:`
}

function joinedFacts({ config, provenMs, mapping }: Joined): unknown {
  const { address, network, addresses } = firstHub(config)
  return {
    home: config.home,
    interface: config.interface,
    address,
    network,
    lan: config.lan.prefixes,
    hub: addresses,
    provenMs: Math.round(provenMs),
    mapping,
  }
}

function joinedText({ config, provenMs, mapping }: Joined): string {
  const seen = mapping === null ? '' : ` The hub sees it at ${formatEndpoint(mapping)}.`
  return `${config.home} has joined: the tunnel answered after ${(provenMs / 1_000).toFixed(1)} s.${seen}
Keep it watched: systemctl enable --now homeward, or homeward run in the foreground.
Add a phone or laptop: homeward device add NAME`
}

function prefixIn(text: string): string {
  const prefix = canonicalPrefix(text)
  if (prefix !== null) return prefix
  throw new Problem('prefix-invalid', {
    what: `reading --lan ${JSON.stringify(text)}`,
    why: 'it is not an IPv4 prefix',
  })
}

function checked<const Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  option: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, text)
  if (result.success) return result.output
  const { expected, message } = result.issues[0]
  throw new Problem('wrong-usage', {
    what: `reading ${option} ${JSON.stringify(text)}`,
    why: expected === null ? message : `it must be ${expected}`,
  })
}
