import { describeStep } from '../../adapters/describe-step.ts'
import { type AgentConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { joinAgain as joinHomeAgain, type JoinedAgain } from '../../agent/membership/join-again.ts'
import { printableFacts } from '../../problems/printable.ts'
import { Problem } from '../../problems/problem.ts'
import { systemClock } from '../../system/time/clock.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { refuseIfAlso } from '../side/one-role.ts'
import { indented, printFacts, tell } from '../output.ts'
import { joinedFacts, wayLines } from './joined-facts.ts'
import { stepFacts } from './step-facts.ts'

export interface JoinAgainOptions {
  readonly dryRun: boolean
  /** The options that were given, by their names in commander's spelling. */
  readonly given: readonly string[]
}

/** `homeward join --again TOKEN`. Whatever fails, and whoever interrupts it: the home is as it was. */
export async function joinAgain(context: Context, token: string, { dryRun, given }: JoinAgainOptions): Promise<void> {
  const what = 'joining the hub again'
  refuseOthers(given, what)
  await refuseIfAlso('hub', context, what)
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ending.abort())
  const joined = await joinHomeAgain(
    context,
    token,
    {
      tell,
      agree: async (config, plan) => {
        const { steps, warnings } = printableFacts(plan)
        const lines = [...steps.map(describeStep), ...warnings.map((warning) => `note: ${indented(warning, '    ')}`)]
        const text = [heading(config), ...lines].join('\n  ')
        if (dryRun)
          printFacts(context, { home: config.home, steps: stepFacts(plan.steps), warnings: plan.warnings }, () => text)
        else tell(text)
        return !dryRun && (await confirm(context, 'Do this?', what))
      },
    },
    systemClock,
    ending.signal,
  )
  if (joined !== null) return printFacts(context, factsOf(joined), () => textOf(joined))
  if (!dryRun) tell('Nothing was changed.')
}

/** Refuses other settings: the home keeps its own, and agent.yaml is where they change. */
function refuseOthers(given: readonly string[], what: string): void {
  const [other] = given.filter((name) => !['again', 'dryRun'].includes(name))
  if (other === undefined) return
  const option = `--${other.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw new Problem('wrong-usage', {
    what,
    why: `--again keeps this home’s settings, and ${option} would change one`,
    next: 'Leave it out, and change agent.yaml instead; or start over: homeward leave, then homeward join TOKEN',
  })
}

function heading(config: AgentConfig): string {
  const [{ hub }] = tunnelsOf(config)
  return `The home ${config.home} joins the hub at ${hub.addresses[0]} again, ${hub.address} in its tunnel, with new keys; its settings stay:`
}

function factsOf(joined: JoinedAgain): unknown {
  const { before, isWatched } = joined
  const [{ hub }] = tunnelsOf(before)
  return {
    ...joinedFacts(joined),
    watched: isWatched,
    before: { home: before.home, hub: hub.addresses, address: hub.address },
  }
}

function textOf(joined: JoinedAgain): string {
  const { config, before, provenMs, mapping, isWatched } = joined
  const seen = mapping === null ? '' : ` The hub sees it at ${formatEndpoint(mapping)}.`
  const watched = isWatched
    ? 'The running agent goes on with it.'
    : 'Keep it watched: systemctl enable --now homeward, or homeward run in the foreground.'
  return [
    `${config.home} has joined again: the tunnel answered after ${(provenMs / 1_000).toFixed(1)} s.${seen}`,
    ...wayLines(joined),
    watched,
    'Phones, laptops and published ports are the hub’s to remember: what homeward device list and homeward publish list no longer show, add again.',
    ...leftAtOldHub(config, before),
  ].join('\n')
}

function leftAtOldHub(config: AgentConfig, before: AgentConfig): readonly string[] {
  const [[{ hub }], [{ hub: old }]] = [tunnelsOf(config), tunnelsOf(before)]
  if (hub.certificate === old.certificate && config.home === before.home) return []
  return [
    `The hub at ${old.addresses[0]} was not asked to forget ${before.home}. Where it still runs: homeward hub remove ${before.home}`,
  ]
}
