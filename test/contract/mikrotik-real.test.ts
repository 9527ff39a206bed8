import { readFileSync } from 'node:fs'
import { vi } from 'vitest'
import { ADMIN, startFakeRouter } from '../fake/routeros/fake-router.ts'
import { adapterContract, type Machine } from './adapter-contract.ts'
import { REAL_MIKROTIK, realMikrotik } from './real-mikrotik.ts'

/**
 * The contract on a real router or CHR: HOMEWARD_TEST_ROUTEROS=host, HOMEWARD_TEST_ROUTEROS_USER, …_PASSWORD_FILE, and
 * …_FINGERPRINT (the certificate's, SHA-256) or …_PLAIN=1 (port 8728, unencrypted). Without them the same is done to the
 * simulated one, over the network as to a real one, so that this file is known to work.
 */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 })

const { HOMEWARD_TEST_ROUTEROS: host } = process.env

adapterContract(
  host === undefined ? 'the mikrotik adapter, as on a real router,' : `the mikrotik adapter, on the router ${host},`,
  () => (host === undefined ? startSimulated() : openReal(host)),
  REAL_MIKROTIK,
)

async function openReal(host: string): Promise<Machine> {
  process.stderr.write(
    `On the router ${host}: interfaces hw0 and hwother with a peer, an address, routes and firewall rules, all marked ` +
      '“homeward hw…”, are made, broken and removed again, many times. Nothing else is touched, and no traffic is led there.\n',
  )
  const given = (name: string): string | undefined => process.env[`HOMEWARD_TEST_ROUTEROS_${name}`]
  const isPlain = given('PLAIN') === '1'
  const certificate = isPlain ? null : (given('FINGERPRINT') ?? '')
  const port = Number(given('PORT') ?? (isPlain ? 8728 : 8729))
  const password = readFileSync(given('PASSWORD_FILE') ?? '', 'utf8').trim()
  return await realMikrotik({ host, port, user: given('USER') ?? 'homeward', certificate }, password)
}

async function startSimulated(): Promise<Machine> {
  const setup =
    '/ip/firewall/filter/add chain=forward action=drop\n/ip/address/add address=192.168.1.1/24 interface=bridge'
  const router = await startFakeRouter({ version: '7.18.2', setup })
  const access = { host: '127.0.0.1', port: router.tlsPort ?? 0, user: ADMIN.user, certificate: router.fingerprint }
  const machine = await realMikrotik(access, ADMIN.password)
  const close = async (): Promise<void> => {
    await machine.close()
    await router.close()
  }
  return { ...machine, close }
}
