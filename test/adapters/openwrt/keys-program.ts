import { readFileSync, writeFileSync } from 'node:fs'
import { giveKey, removeKey } from '../../../adapters/openwrt/change/authorized-key.ts'
import type { KeyPair } from '../../../adapters/openwrt/ssh/key-pair.ts'
import type { RouterAccess } from '../../../adapters/openwrt/ssh/ssh.ts'
import { asProblem } from '../../../problems/problem.ts'

/** Gives a router a key, the same again, or takes it away. Arguments: which, a file for its public line, the owner's key, the router's host key. */
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
  const left = verb === 'again' ? (JSON.parse(readFileSync(`${lineFile}.pair`, 'utf8')) as KeyPair) : null
  const keep = async (pair: KeyPair): Promise<void> => {
    writeFileSync(lineFile, pair.public)
    writeFileSync(`${lineFile}.pair`, JSON.stringify(pair), { mode: 0o600 })
  }
  if (verb !== 'take') await giveKey(access, left, signal, keep)
  else await removeKey(access, readFileSync(lineFile, 'utf8').trim(), signal)
  console.log('done')
} catch (thrown) {
  const { code, message } = asProblem(thrown, verb)
  console.log(`${code}: ${message}`)
}
