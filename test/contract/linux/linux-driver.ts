import { readFileSync } from 'node:fs'
import { linuxAdapter } from '../../../adapters/linux/linux.ts'
import type { PresharedKey } from '../../../wireguard/keys.ts'
import { serveDriver } from '../driver.ts'

/**
 * The linux adapter in a process of its own, since it works on the namespace it runs in. Bundled by the harness, started
 * inside a host. Arguments: the file with the private key, a file with preshared keys by public key.
 */
const [privateKeyFile = '', presharedKeysFile = ''] = process.argv.slice(2)
const presharedKeys = new Map(
  Object.entries(JSON.parse(readFileSync(presharedKeysFile, 'utf8')) as Record<string, PresharedKey>),
)
serveDriver(() =>
  linuxAdapter({
    privateKeyFile: () => privateKeyFile,
    presharedKeys: (publicKey) => presharedKeys.get(publicKey),
  }),
)
