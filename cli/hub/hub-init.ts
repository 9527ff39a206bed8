import { describeStep } from '../../adapters/describe-step.ts'
import { HubConfigSchema } from '../../hub/settings/config.ts'
import { readIdentity } from '../../hub/settings/identity.ts'
import { type Given, type InitPlan, planInit, writeInit } from '../../hub/init.ts'
import { type HubPaths, hubPaths } from '../../hub/settings/paths.ts'
import { isServed } from '../../system/sockets/local-socket.ts'
import * as v from 'valibot'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { givenSettings, type InitOptions } from './hub-options.ts'
import { askThisHub, loadAdapter } from '../side/hub-session.ts'
import { orNoRoot } from '../or-no-root.ts'
import { refuseIfAlso } from '../side/one-role.ts'
import { indented, printFacts, tell } from '../output.ts'

export async function hubInit(context: Context, options: InitOptions): Promise<void> {
  await orNoRoot(() => init(context, options))
}

async function init(context: Context, options: InitOptions): Promise<void> {
  await refuseIfAlso('home', context, 'starting a hub')
  const paths = hubPaths(context)
  const plan = await planFor(paths, givenSettings(options))

  const changed = plan.files.length > 0 || plan.steps.length > 0
  if (changed) {
    tell(planText(plan))
    if (!(await confirm(context, 'Go ahead?', 'starting a hub'))) return tell('Nothing was changed.')
    await writeInit(plan)
    await askThisHub(context, 'reconcile', null)
  }
  const { config } = plan
  const { publicKey, fingerprint } = await readIdentity(paths)
  const { addresses, port, network, alternatePorts, interface: name } = config
  const { warnings = [] } = (await askThisHub(context, 'status', null)).answer
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
  }
  if (changed) for (const note of plan.notes) tell(`Note: ${note}`)
  for (const warning of warnings) tell(`Warning: ${indented(warning, '  ')}`)
  printFacts(context, facts, () => (changed ? doneText(plan) : 'The hub is as it should be; nothing was changed.'))
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

function planText({ files, steps }: InitPlan): string {
  return ['homeward hub init is going to', ...files.map(({ path }) => `  write ${path}`), ...steps.map(line)].join('\n')
}

function line(step: InitPlan['steps'][number]): string {
  return `  ${describeStep(step)}`
}

function doneText({ config }: InitPlan): string {
  return `The hub is ready at ${config.addresses.join(', ')}.
Let ${config.port}/udp and ${config.port}/tcp in at your provider's firewall.
Start the daemon: systemctl start homeward-hub, or homeward hub run in the foreground.
Then invite a home: homeward hub invite HOME`
}
