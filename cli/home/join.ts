import * as v from 'valibot'
import { describeStep } from '../../adapters/describe-step.ts'
import { InterfaceNameSchema } from '../../adapters/interface-name.ts'
import { type AgentConfig, LanModeSchema, tunnelsOf } from '../../agent/settings/config.ts'
import { unknownLan } from '../../agent/lan/lan-warnings.ts'
import { readLocalNetworks } from '../../agent/lan/local-networks.ts'
import { joinHome } from '../../agent/membership/join.ts'
import type { Joined } from '../../agent/membership/make-tunnel.ts'
import { Problem } from '../../problems/problem.ts'
import { printableFacts } from '../../problems/printable.ts'
import { ipv4Prefix } from '../../protocol/addresses.ts'
import { refuseTooManyPrefixes } from '../../protocol/lan-size.ts'
import { systemClock } from '../../system/time/clock.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { refuseIfAlso } from '../side/one-role.ts'
import { indented, printFacts, tell } from '../output.ts'
import { type RouterOptions, routerChoice } from './router-options.ts'
import { trustRouter } from './trust-router.ts'
import { joinedFacts, wayLines } from './joined-facts.ts'
import { stepFacts } from './step-facts.ts'

export interface JoinOptions extends RouterOptions {
  readonly lan: readonly string[]
  readonly lanMode?: string
  readonly interface: string
  readonly economy?: boolean
  readonly dryRun?: boolean
  /** The caller starts the agent next. */
  readonly starts?: boolean
}

/** `homeward join TOKEN`. Whatever fails, and whoever interrupts it: no change stays. */
export async function join(context: Context, token: string, options: JoinOptions): Promise<void> {
  const joined = await joinAsked(context, token, options)
  if (joined !== null) return printFacts(context, joinedFacts(joined), () => joinedText(joined, options))
  if (options.dryRun !== true) tell('Nothing was changed.')
}

/**
 * Shows what joining will do, asks, and does it, or undoes all of it.
 * @param agreed is told when the answer was yes. @returns null when the person did not agree, and for a dry run. @throws {Problem} as `joinHome`.
 */
export async function joinAsked(
  context: Context,
  token: string,
  options: JoinOptions,
  agreed: () => void = () => undefined,
): Promise<Joined | null> {
  const router = routerChoice(options)
  await refuseIfAlso('hub', context, 'joining the hub')
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ending.abort())
  if (router.kind === 'mikrotik' && router.trust.by === 'nothing') tell(PLAIN_WARNING)
  const dryRun = options.dryRun === true
  return await joinHome(
    context,
    {
      token,
      ...lanIn(options.lan),
      // Hosts behind the home's own router have a route back to the tunnel through it.
      lanMode: checked(
        LanModeSchema,
        options.lanMode ?? (router.kind === 'linux' ? 'masquerade' : 'routed'),
        '--lan-mode',
      ),
      economy: options.economy === true,
      interface: checked(InterfaceNameSchema, options.interface, '--interface'),
      router,
    },
    {
      tell,
      trust: (shown) => trustRouter(shown),
      agree: async (config, plan) => {
        const { steps, warnings } = printableFacts(plan)
        // A router that the tunnel ends on knows its networks itself.
        const strange =
          router.kind === 'linux' && options.lan.length > 0
            ? unknownLan(config.lan, await readLocalNetworks(options.interface))
            : []
        const all = [...warnings, ...strange]
        const notes = all.map((warning) => `note: ${indented(warning, '    ')}`)
        const lines = [...steps.map(describeStep), ...notes]
        if (dryRun)
          printFacts(
            context,
            { home: config.home, steps: stepFacts(plan.steps), warnings: [...plan.warnings, ...strange] },
            () => [heading(config), ...lines].join('\n  '),
          )
        else tell([heading(config), ...lines].join('\n  '))
        if (dryRun || !(await confirm(context, 'Do this?', 'joining the hub'))) return false
        agreed()
        return true
      },
    },
    systemClock,
    ending.signal,
  )
}

const PLAIN_WARNING =
  'Warning: with --plain anyone on the way to the router can read and change the password and everything else that is sent to it.'

function heading(config: AgentConfig): string {
  const [{ hub, router }] = tunnelsOf(config)
  const where = router.kind === 'linux' ? '' : `, which ends on the router at ${router.host}`
  return `This machine becomes the home ${config.home}, ${hub.address} in the tunnel to ${hub.addresses[0]}${where}:`
}

/** That the tunnel carries, and by which way. */
export function provenLines(joined: Joined): readonly string[] {
  const { config, provenMs, mapping } = joined
  const seen = mapping === null ? '' : ` The hub sees it at ${formatEndpoint(mapping)}.`
  return [
    `${config.home} has joined: the tunnel answered after ${(provenMs / 1_000).toFixed(1)} s.${seen}`,
    ...wayLines(joined),
  ]
}

function joinedText(joined: Joined, { starts = false }: JoinOptions): string {
  return [
    ...provenLines(joined),
    ...(starts ? [] : ['Keep it watched: systemctl enable --now homeward, or homeward run in the foreground.']),
    'Add a phone or laptop: homeward device add NAME',
  ].join('\n')
}

/** `192.168.1.0/24`, or `192.168.1.0/24=10.168.1.0/24`: known at the hub by the second. */
function lanIn(texts: readonly string[]): { readonly lan: readonly string[]; readonly seenAs: Record<string, string> } {
  const pairs = texts.map((text) => text.split('=').map(prefixIn))
  refuseTooManyPrefixes(
    pairs.map(([own = '']) => own),
    'joining the hub',
  )
  const seenAs = Object.fromEntries(pairs.flatMap(([own = '', seen]) => (seen === undefined ? [] : [[own, seen]])))
  for (const [own, seen] of Object.entries(seenAs))
    if (own.split('/')[1] !== seen.split('/')[1])
      throw new Problem('prefix-invalid', {
        what: `reading --lan ${own}=${seen}`,
        why: 'a network can be seen as one of the same length only',
      })
  return { lan: pairs.map(([own = '']) => own), seenAs }
}

function prefixIn(text: string): string {
  const prefix = ipv4Prefix(text)
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
