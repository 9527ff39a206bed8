import { readFileSync, writeFileSync } from 'node:fs'
import { giveKey, removeKey } from '../../../adapters/openwrt/change/authorized-key.ts'
import type { RouterAccess } from '../../../adapters/openwrt/ssh/ssh.ts'
import { asProblem } from '../../../problems/problem.ts'

/** Gives a router a key, or takes it away. Arguments: which, a file for its public line, the owner's key, the router's host key. */
const [verb = '', lineFile = '', ownersKey = '', sha256 = ''] = process.argv.slice(2)
const access: RouterAccess = {
  host: '192.168.1.1',
  port: 22,
  user: 'root',
  hostKey: { type: 'ssh-ed25519', sha256 },
  login: async () => ({ kind: 'key', key: readFileSync(ownersKey, 'utf8') }),
}
const signal = AbortSignal.timeout(60_000)
try {
  if (verb === 'give') await giveKey(access, null, signal, async (pair) => writeFileSync(lineFile, pair.public))
  else await removeKey(access, readFileSync(lineFile, 'utf8').trim(), signal)
  console.log('done')
} catch (thrown) {
  const { code, message } = asProblem(thrown, verb)
  console.log(`${code}: ${message}`)
}
