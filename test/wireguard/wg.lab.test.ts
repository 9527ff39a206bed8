import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDump } from '../../wireguard/dump.ts'
import { isKeyText, parsePrivateKey, presharedKeyFrom, privateKeyFrom } from '../../wireguard/keys.ts'
import { presharedKeyId } from '../../wireguard/preshared-id.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { type DeviceConfig, wgQuickText } from '../../wireguard/quick.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'

/** Our words against those of wg(8) and wg-quick(8). */
let lab: Lab
let host: Host
beforeAll(async () => {
  lab = await createLab()
  ;[host] = (await lab.addHosts([{ name: 'machine' }])) as [Host]
})
afterAll(() => lab?.close())

test('wg finds the same public keys as we do, for its private keys and for ours', async () => {
  const { stdout } = await host.shell(
    'for i in $(seq 25); do key=$(wg genkey); echo "$key $(echo "$key" | wg pubkey)"; done',
  )
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string])
  expect(pairs.length).toBe(25)
  for (const [privateKey, publicKey] of pairs) expect(publicKeyOf(parsePrivateKey(privateKey))).toBe(publicKey)

  const own = Array.from({ length: 25 }, () => privateKeyFrom(randomBytes(32)))
  const found = await host.shell(own.map((key) => `echo '${key}' | wg pubkey`).join('\n'))
  expect(found.stdout.trim().split('\n')).toEqual(own.map(publicKeyOf))
})

test('a clamped key is taken by wg as it is, and so is a preshared key', async () => {
  const { stdout } = await host.shell('wg genpsk; wg genkey')
  expect(stdout.trim().split('\n').map(isKeyText)).toEqual([true, true])
})

test('what a device gets is read by wg-quick, and makes the interface that was meant', async () => {
  const config: DeviceConfig = {
    name: 'phone',
    privateKey: privateKeyFrom(randomBytes(32)),
    address: '10.86.0.5/32',
    mtu: 1420,
    hub: {
      publicKey: publicKeyOf(privateKeyFrom(randomBytes(32))),
      presharedKey: presharedKeyFrom(randomBytes(32)),
      endpoint: { address: '2001:db8::10', port: 51_820 },
      allowedIps: ['10.86.0.0/16', '192.168.1.0/24'],
      keepaliveSeconds: 25,
    },
  }
  const path = join(host.disk.path, 'phone.conf')
  await writeFile(path, wgQuickText(config), { mode: 0o600 })
  const { stdout } = await host.shell(`
    WG_PROCESS_FOREGROUND=1 setsid wireguard-go phone >/dev/null 2>&1 &
    until wg show phone >/dev/null 2>&1; do sleep 0.02; done
    wg-quick strip '${path}' | wg setconf phone /dev/stdin
    wg show phone dump`)
  expect(parseDump(stdout)).toMatchObject({
    publicKey: publicKeyOf(config.privateKey),
    peers: [
      {
        publicKey: config.hub.publicKey,
        presharedKeyId: presharedKeyId(config.hub.presharedKey),
        endpoint: config.hub.endpoint,
        allowedIps: config.hub.allowedIps,
        keepaliveSeconds: 25,
        lastHandshakeAt: null,
      },
    ],
  })
})
