import { describeStep } from '../../adapters/describe-step.ts'
import { DEFAULT_NETWORK } from '../../hub/core/tunnel-network.ts'
import { HubConfigSchema, readHubConfig } from '../../hub/settings/config.ts'
import { readIdentity } from '../../hub/settings/identity.ts'
import { type Given, type InitPlan, planInit, refuseDifferent, writeInit } from '../../hub/init.ts'
import { type HubPaths, hubPaths } from '../../hub/settings/paths.ts'
import { isThere } from '../../system/files/is-there.ts'
import { isServed } from '../../system/sockets/local-socket.ts'
import * as v from 'valibot'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { changeNetwork } from './hub-network.ts'
import { givenSettings, type InitOptions } from './hub-options.ts'
import { askThisHub, loadAdapter } from '../side/hub-session.ts'
import { orNoRoot } from '../or-no-root.ts'
import { refuseIfAlso } from '../side/one-role.ts'
import { indented, printFacts, tell } from '../output.ts'
import { chooseAddress } from './choose-address.ts'
import { firewallText, mappedText, thisProvider } from './provider-text.ts'

/** `homeward hub init`. */
export async function hubInit(context: Context, options: InitOptions): Promise<void> {
  await orNoRoot(async () => {
    await refuseIfAlso('home', context, 'starting a hub')
    const paths = hubPaths(context)
    const given = await withAddress(givenSettings(options), paths, options.stun)
    if (await isOtherNetwork(context, given)) return await changeNetwork(context, given.network ?? '')
    const made = await makeHub(context, given)
    if (made === null) return tell('Nothing was changed.')
    const { facts, plan, firewall } = made
    printFacts(context, facts, () =>
      facts.changed
        ? doneText(plan, isOpen(facts.warnings), firewall, options.starts === true)
        : 'The hub is as it should be; nothing was changed.',
    )
  })
}

/** A hub that was set up, or was there already. */
export interface MadeHub {
  readonly facts: {
    readonly changed: boolean
    readonly addresses: readonly string[]
    readonly port: number
    readonly network: string
    readonly alternatePorts: readonly number[]
    readonly interface: string
    readonly publicKey: string
    readonly certificate: string
    readonly warnings: readonly string[]
    readonly provider: string | null
  }
  readonly plan: InitPlan
  /** What to do at the provider's firewall. */
  readonly firewall: string
}

/**
 * Plans the hub, shows what it will do, asks, and does it.
 * @returns null when the person did not agree. @throws {Problem} of the plan, `needs-yes`, …
 */
export async function makeHub(context: Context, given: Given): Promise<MadeHub | null> {
  const paths = hubPaths(context)
  const plan = await planFor(paths, given)

  const changed = plan.files.length > 0 || plan.steps.length > 0
  if (changed) {
    tell(planText(plan))
    if (!(await confirm(context, 'Go ahead?', 'starting a hub'))) return null
    await writeInit(plan)
    await askThisHub(context, 'reconcile', null)
  }
  const { config } = plan
  const { publicKey, fingerprint } = await readIdentity(paths)
  const { addresses, port, network, alternatePorts, interface: name } = config
  const { warnings = [] } = (await askThisHub(context, 'status', null)).answer
  const provider = await thisProvider()
  const facts = {
    changed,
    addresses,
    port,
    network,
    alternatePorts,
    interface: name,
    publicKey,
    certificate: fingerprint,
    warnings,
    provider: provider?.name ?? null,
  }
  if (changed) for (const note of plan.notes) tell(`Note: ${note}`)
  for (const warning of warnings) tell(`Warning: ${indented(warning, '  ')}`)
  return { facts, plan, firewall: firewallText(provider, port) }
}

/** The settings with an address, before anything is written: the first time it must be known. */
async function withAddress(given: Given, paths: HubPaths, stun: string | undefined): Promise<Given> {
  if (given.addresses !== undefined || (await isThere(paths.config))) return given
  return { ...given, addresses: [await chooseAddress('starting a hub', stun)] }
}

/** Whether nothing but another network is asked of a hub that is there. */
async function isOtherNetwork(context: Context, { network, ...others }: Given): Promise<boolean> {
  const paths = hubPaths(context)
  if (network === undefined || !(await isThere(paths.config))) return false
  const written = await readHubConfig(paths.config)
  refuseDifferent(others, written, paths.config)
  return written.network !== network || (await askThisHub(context, 'status', null)).answer.hub.network !== network
}

async function planFor(paths: HubPaths, given: Given): Promise<InitPlan> {
  const makeAdapter = await loadAdapter()
  const adapter = makeAdapter({ privateKeyFile: () => paths.privateKey, presharedKeys: () => undefined })
  const defaults = (addresses: readonly string[]) => v.parse(HubConfigSchema, { addresses })
  try {
    return await planInit(paths, given, defaults, adapter, await isServed(paths.socket))
  } finally {
    await adapter.close()
  }
}

function planText({ config, files, steps }: InitPlan): string {
  const isFirst = files.some(({ path }) => path.endsWith('hub.yaml'))
  const network =
    isFirst && config.network !== DEFAULT_NETWORK ? [`  give the tunnel the network ${config.network}`] : []
  return ['homeward hub init will', ...network, ...files.map(({ path }) => `  write ${path}`), ...steps.map(line)].join(
    '\n',
  )
}

function line(step: InitPlan['steps'][number]): string {
  return `  ${describeStep(step)}`
}

/** Whether packets from outside reach the hub, as far as that was proven. */
function isOpen(warnings: readonly string[]): boolean {
  return !warnings.some((warning) => warning.startsWith('packets from outside'))
}

function doneText({ config }: InitPlan, isReached: boolean, firewall: string, starts: boolean): string {
  const mapped = config.addresses.slice(0, 1).flatMap((address) => mappedText(address) ?? [])
  return [
    `The hub is ${isReached ? 'ready' : 'set up, but packets from outside do not reach it (see the warning)'} at ${config.addresses.join(', ')}.`,
    ...mapped,
    firewall,
    ...(starts ? [] : ['Start the daemon: systemctl start homeward-hub, or homeward hub run in the foreground.']),
    'Then invite a home: homeward hub invite HOME',
  ].join('\n')
}
