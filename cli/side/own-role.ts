import type * as v from 'valibot'
import { askRegistrar } from '../../agent/registrar/ask-registrar.ts'
import { type AgentConfig, agentConfigPath, readAgentConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { knownHub } from '../../agent/tunnel/plan/known-hub.ts'
import { readBearer } from '../../agent/secrets/secrets.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { Problem } from '../../problems/problem.ts'
import type { Call } from '../../protocol/registrar-client.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'

/** @throws {Problem} `config-missing` when this machine is neither a home nor a hub. */
export async function ownRole({ configDir, ...rest }: Context): Promise<'home' | 'hub'> {
  if (await isThere(agentConfigPath(configDir))) return 'home'
  if (await isThere(hubPaths({ configDir, ...rest }).config)) return 'hub'
  throw new Problem('config-missing', {
    what: 'looking for the hub',
    why: `${configDir} has neither agent.yaml nor hub.yaml`,
    next: 'Run this at a home that has joined, or on the hub',
  })
}

/** A home that asks the registrar of its hub. */
export interface HomeClient {
  readonly config: AgentConfig
  readonly ask: <const Schema extends v.GenericSchema>(call: Call<Schema>) => Promise<v.InferOutput<Schema>>
}

/** @throws {Problem} `config-*`, `secret-exposed`. */
export async function homeClient({ configDir, stateDir }: Context): Promise<HomeClient> {
  const config = await readAgentConfig(configDir)
  const [{ hub }] = tunnelsOf(config)
  const { addresses, port, certificate } = await knownHub(hub, stateDir)
  const bearer = await readBearer({ configDir, stateDir }, config.home)
  const registrar = { hosts: addresses, port, certificate }
  return { config, ask: async (call) => (await askRegistrar(registrar, { ...call, bearer })).answer }
}
