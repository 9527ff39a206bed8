import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { planOpenwrt } from '../../../adapters/openwrt/plan.ts'
import { openSession, readHostKey, type RouterAccess } from '../../../adapters/openwrt/ssh/ssh.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import { tellsContract } from '../tells.ts'
import type { Capabilities, Machine } from '../machine.ts'
import { driveAdapter } from '../driver.ts'
import { type GivenOpenwrt, givenOpenwrt } from './given-openwrt.ts'
import { startProcess } from '../local-process.ts'
import { OPENWRT_DRIFT_NAMES, OPENWRT_TELLS, openwrtDrifts } from './openwrt-drifts.ts'
import { isOurs, sectionsIn } from './openwrt-machine.ts'
import { makeKeys } from '../specs.ts'

/** The contract on a real router, when one is named by the variables in `given-openwrt.ts`. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

/** Nothing can be made to fail there, and nobody notes what it is told. */
const REAL: Capabilities = {
  roles: ['home'],
  answersVisitors: true,
  leadsOutgoing: false,
  keysMadeThere: false,
  undoesFailures: true,
  tellsCommands: false,
  // The rules of a LAN that is not this router's are in no zone of its.
  drifts: { ...OPENWRT_DRIFT_NAMES, home: OPENWRT_DRIFT_NAMES.home.filter((name) => !name.includes('of the LAN')) },
}
const ROLLBACK_SECONDS = 60

const given = givenOpenwrt(process.env)
if (given !== null) {
  const name = `the openwrt adapter, on the router ${given.host},`
  adapterContract(name, () => openReal(given), REAL)
  tellsContract(name, () => openReal(given), REAL, OPENWRT_TELLS)
  killedContract(name, () => openReal(given), REAL)
}

test('a router that is named by half says which variable is missing', () => {
  const host = { HOMEWARD_TEST_OPENWRT: '192.168.1.1' }
  expect(() => givenOpenwrt(host)).toThrow('HOMEWARD_TEST_OPENWRT_IDENTITY_FILE')
  expect(() => givenOpenwrt({ ...host, HOMEWARD_TEST_OPENWRT_IDENTITY_FILE: 'x' })).toThrow('_HOST_KEY')
})

async function openReal({ host, port, user, identityFile, hostKey: sha256 }: GivenOpenwrt): Promise<Machine> {
  process.stderr.write(
    `On the router ${host}: interfaces hw0 and hwother with a peer, routes and a firewall zone, all in sections named homeward…, ` +
      'are made, broken and removed again, many times, and its firewall is loaded anew as often. No traffic is led there.\n',
  )
  const hostKey = await readHostKey(host, port, AbortSignal.timeout(15_000))
  if (hostKey.sha256 !== sha256) throw new Error(`it shows another host key: ${hostKey.type} SHA256:${hostKey.sha256}`)
  const key = await readFile(identityFile, 'utf8')
  const access: RouterAccess = { host, port, user, hostKey, login: async () => ({ kind: 'key', key }) }

  async function console(script: string): Promise<string> {
    const session = await openSession(access, AbortSignal.timeout(60_000))
    try {
      return (await session.exec(script, { signal: AbortSignal.timeout(60_000), timeoutMs: 60_000 })).stdout
    } finally {
      session.close()
    }
  }

  const exported = async (): Promise<readonly string[]> =>
    sectionsIn(await console('uci export network; uci export firewall'))
  const inUse = (await exported()).filter(isOurs)
  if (inUse.length > 0) throw new Error('a tunnel of homeward stands on it, which this would take away')

  const folder = await mkdtemp(join(tmpdir(), 'homeward-contract-'))
  const keys = makeKeys()
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content, { mode: 0o600 })
    return join(folder, name)
  }
  const options = { host, port, user, hostKey, rollbackSeconds: ROLLBACK_SECONDS }
  const files = [
    await file('options.json', JSON.stringify(options)),
    await file('login.key', key),
    await file('private.key', `${keys.privateKey}\n`),
  ]
  const driver = await bundleFor(folder, new URL('./openwrt-driver.ts', import.meta.url))
  return {
    keys,
    open: () =>
      driveAdapter(startProcess([driver, ...files]), (observed, desired) =>
        planOpenwrt(observed, desired, { host, rollbackSeconds: ROLLBACK_SECONDS }),
      ),
    foreign: async () => (await exported()).filter((section) => !isOurs(section)).join('\n'),
    leftovers: async () => [
      ...(await exported()).filter(isOurs),
      ...(await console('ls /etc/nftables.d; ip rule show'))
        .split('\n')
        .filter((line) => /^homeward|fwmark 0x8/.test(line)),
    ],
    takeInterface: async (name) => {
      await console(`uci set network.${name}=interface; uci set network.${name}.proto=none; uci commit network`)
      return async () => void (await console(`uci delete network.${name}; uci commit network`))
    },
    breakStep: () => null,
    commandLines: async () => '',
    // The owner's firewall is not for us to flush.
    drifts: openwrtDrifts((script) => console(script.replace('nft flush ruleset', 'nft flush chain inet fw4 forward'))),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
