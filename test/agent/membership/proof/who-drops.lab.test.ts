import { isIPv6 } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Culprit } from '../../../../agent/membership/proof/culprit.ts'
import { bundleFor } from '../../../lab/host/bundle.ts'
import type { Host } from '../../../lab/host/host.ts'
import { createLab, type Lab } from '../../../lab/lab.ts'
import { buildPicture, type Picture } from '../../../lab/picture.ts'
import { isLong } from '../../../long.ts'
import { inviteHome, startHub } from '../../lab-home.ts'
import { BY_ANYBODY, BY_HOME, BY_PROVIDER, BY_VPS } from './lab-situations.ts'

/** A home that was joined once, and something that keeps its tunnel down since. */
let lab: Lab
let picture: Picture
let pi: Host
let program: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { ipv6: true })
  pi = picture.home.pi
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  program = await bundleFor(pi.disk.configDir, new URL('ask-who-drops.ts', import.meta.url))
})
afterAll(() => lab.close())

async function culprit(address: string): Promise<Culprit> {
  // Without a session, and from another port, WireGuard begins with a handshake, again and again.
  await pi.shell(`port=$(wg show hw0 listen-port)
wg showconf hw0 | sed "s/^ListenPort = .*/ListenPort = $((port > 60000 ? port - 9000 : port + 7))/" |
  sed "s/^Endpoint = .*/Endpoint = ${isIPv6(address) ? `[${address}]` : address}:51820/" > /run/wg.conf
wg setconf hw0 /run/wg.conf`)
  const traffic = pi.start('ping', ['-i', '0.3', '10.86.0.1'])
  try {
    const { stdout } = await pi.run(process.execPath, [program, pi.disk.configDir, address])
    if (process.env['SHOW'] !== undefined) console.log(stdout)
    return (JSON.parse(stdout) as { readonly culprit: Culprit }).culprit
  } finally {
    await traffic.kill('SIGKILL')
  }
}

/** The combinations are in culprit.test.ts; here is what takes a kernel to see. */
const ALL = [...BY_PROVIDER, ...BY_VPS, ...BY_HOME, ...BY_ANYBODY]
const USUAL = isLong ? ALL : [BY_PROVIDER[0], BY_PROVIDER[3], BY_VPS[2], BY_HOME[8], BY_ANYBODY[0]].map((one) => one!)
const CASES = USUAL.map((one) => [one.name, one] as const)

test('thirty situations, a third each', () => {
  expect([BY_PROVIDER, BY_VPS, BY_HOME].map(({ length }) => length)).toEqual([10, 10, 10])
})

test.each(CASES)('%s', async (_name, { overIPv6 = false, where, breaks, mends, who, said }) => {
  await where(picture).shell(breaks)
  try {
    const address = overIPv6 ? picture.hubIpv6! : picture.hubAddress
    expect(await culprit(address)).toMatchObject({ who, said: expect.stringMatching(said) as string })
  } finally {
    await where(picture).shell(mends)
  }
})
