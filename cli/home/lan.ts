import { readFile } from 'node:fs/promises'
import { refuseOverlaps } from '../../agent/lan/lan.ts'
import { readLocalNetworks } from '../../agent/lan/local-networks.ts'
import { agentConfigPath } from '../../agent/settings/config.ts'
import { withLan } from '../../agent/settings/config-text.ts'
import { recheckAgent } from '../../agent/settings/recheck-agent.ts'
import { Problem } from '../../problems/problem.ts'
import { ipv4Prefix } from '../../protocol/addresses.ts'
import { refuseTooManyPrefixes } from '../../protocol/lan-size.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts } from '../output.ts'
import { awaitRouter } from '../side/await-router.ts'
import { readWanted } from '../side/open-home.ts'

/** `homeward lan`: what the tunnel reaches; `homeward lan CIDR…` or `homeward lan auto` puts it into agent.yaml. */
export async function lan(context: Context, given: readonly string[]): Promise<void> {
  const { config } = await readWanted(context)
  const { hub, interface: name } = config
  if (given.length === 0)
    return printFacts(context, { lan: config.lan }, ({ lan }) =>
      [lan.prefixes.join('\n') || 'no network', ...(lan.auto === true ? ['followed (auto)'] : [])].join('\n'),
    )
  const what = 'changing the home’s LAN'
  const isAuto = given.join() === 'auto'
  const prefixes = isAuto ? [] : given.map((text) => prefixIn(text, what))
  refuseTooManyPrefixes(prefixes, what)
  refuseOverlaps(prefixes, { network: hub.network, hubLiterals: [], local: await readLocalNetworks(name) })
  await awaitRouter(context)
  const path = agentConfigPath(context.configDir)
  await orNoRoot(async () =>
    writeFileAtomic(path, withLan(await readFile(path, 'utf8'), isAuto ? { auto: true } : { prefixes })),
  )
  const running = (await recheckAgent(context.runtimeDir, 10_000)) === 'looked'
  const facts = { lan: isAuto ? 'auto' : prefixes, taken: running }
  printFacts(context, facts, () =>
    [
      `The LAN in agent.yaml is ${given.join(', ')} now${running ? '' : '; no agent runs that would take it'}.`,
      'Published ports that lead to the old one: homeward publish list. Devices whose files name the old one: homeward device list.',
    ].join('\n'),
  )
}

function prefixIn(text: string, what: string): string {
  const prefix = ipv4Prefix(text)
  if (prefix !== null) return prefix
  throw new Problem('prefix-invalid', { what, why: `${JSON.stringify(text)} is neither an IPv4 prefix nor auto` })
}
