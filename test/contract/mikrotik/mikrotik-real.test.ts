import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { startFakeRouter } from '../../fake/routeros/fake-router.ts'
import { isLong } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import type { Machine } from '../machine.ts'
import { type GivenRouter, givenRouter } from '../given-router.ts'
import { tellsContract } from '../tells.ts'
import { MIKROTIK_DRIFT_NAMES } from './mikrotik-drifts.ts'
import { REAL_MIKROTIK, realMikrotik } from './real-mikrotik.ts'

/**
 * The contract on a real router or CHR, named by the variables in `given-router.ts`. Without them the simulated one is named
 * by such variables, and reached over the network as a real one, so that this file is known to work.
 */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const given = givenRouter(process.env)

const NAME =
  given === null ? 'the mikrotik adapter, as on a real router,' : `the mikrotik adapter, on the router ${given.host},`
const start = (): Promise<Machine> => (given === null ? startSimulated() : openReal(given))

adapterContract(NAME, start, REAL_MIKROTIK)
tellsContract(NAME, start, REAL_MIKROTIK, MIKROTIK_DRIFT_NAMES.home)
if (given !== null || isLong) killedContract(NAME, start, REAL_MIKROTIK)

test('a router that is named by half says which variable is missing', () => {
  const host = { HOMEWARD_TEST_ROUTEROS: '192.168.88.1' }
  expect(() => givenRouter(host)).toThrow('HOMEWARD_TEST_ROUTEROS_PASSWORD_FILE')
  expect(() => givenRouter({ ...host, HOMEWARD_TEST_ROUTEROS_PASSWORD_FILE: 'x' })).toThrow('_FINGERPRINT')
})

test('a router on which a tunnel of homeward stands is left alone', async () => {
  const { router, named, close } = await nameSimulated('/interface/wireguard/add name=hw0 comment="homeward hw0"')
  const before = router.export()
  await expect(openReal(named)).rejects.toThrow('a tunnel of homeward stands on it')
  expect(router.export()).toBe(before)
  await close()
})

async function openReal(router: GivenRouter): Promise<Machine> {
  process.stderr.write(
    `On the router ${router.host}: interfaces hw0 and hwother with a peer, an address, routes and firewall rules, all marked ` +
      '“homeward hw…”, are made, broken and removed again, many times. Nothing else is touched, and no traffic is led there.\n',
  )
  const { passwordFile, ...access } = router
  const machine = await realMikrotik(access, readFileSync(passwordFile, 'utf8').trim())
  const inUse = await machine.leftovers()
  if (inUse.length === 0) return machine
  await machine.close()
  throw new Error(`a tunnel of homeward stands on it, which this would take away: ${inUse.join('; ')}`)
}

async function startSimulated(): Promise<Machine> {
  const { named, close } = await nameSimulated()
  const machine = await openReal(named)
  return { ...machine, close: () => machine.close().then(close) }
}

/** With the least rights, as homeward's own user has them. @param standing more of what is there, as a console script. */
async function nameSimulated(standing = '') {
  const password = 'a word for the contract'
  const router = await startFakeRouter({
    version: '7.18.2',
    setup: `
/user/group/add name=homeward policy=api,read,write,test
/user/add name=pi group=homeward password="${password}"
/ip/firewall/filter/add chain=forward action=drop
/ip/address/add address=192.168.1.1/24 interface=bridge
${standing}`,
  })
  const folder = mkdtempSync(join(tmpdir(), 'homeward-given-router-'))
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  const named = givenRouter({
    HOMEWARD_TEST_ROUTEROS: '127.0.0.1',
    HOMEWARD_TEST_ROUTEROS_PORT: String(router.tlsPort),
    HOMEWARD_TEST_ROUTEROS_USER: 'pi',
    HOMEWARD_TEST_ROUTEROS_PASSWORD_FILE: passwordFile,
    HOMEWARD_TEST_ROUTEROS_FINGERPRINT: router.fingerprint,
  })
  if (named === null) throw new TypeError('the simulated router was not named')
  const close = async (): Promise<void> => {
    await router.close()
    rmSync(folder, { recursive: true })
  }
  return { router, named, close }
}
