import { dropEvidence } from '../../../../agent/membership/proof/who-drops.ts'
import { culpritOf } from '../../../../agent/membership/proof/culprit.ts'
import { readAgentConfig, tunnelsOf } from '../../../../agent/settings/config.ts'

/** Runs at a home of a laboratory: says as JSON who drops the packets of its tunnel. */
const [configDir = '', address = '', port = '51820'] = process.argv.slice(2)
const [tunnel] = tunnelsOf(await readAgentConfig(configDir))
const signal = AbortSignal.timeout(60_000)
const evidence = await dropEvidence(tunnel, configDir, { address, port: Number(port) }, null, signal)
console.log(JSON.stringify({ evidence, culprit: culpritOf(evidence) }))
