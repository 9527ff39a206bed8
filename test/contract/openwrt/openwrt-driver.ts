import { readFileSync } from 'node:fs'
import { openwrtAdapter } from '../../../adapters/openwrt/openwrt.ts'
import type { RouterAccess } from '../../../adapters/openwrt/ssh/ssh.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { serveDriver } from '../driver.ts'

/** The OpenWrt adapter in a process of its own. Bundled by the harness. Arguments: files with its options, login and tunnel key. */
export interface OpenwrtDriverOptions extends Pick<RouterAccess, 'host' | 'port' | 'user' | 'hostKey'> {
  readonly rollbackSeconds: number
}

const [optionsFile = '', loginFile = '', keyFile = ''] = process.argv.slice(2)
const options = JSON.parse(readFileSync(optionsFile, 'utf8')) as OpenwrtDriverOptions
serveDriver(() =>
  openwrtAdapter({
    ...options,
    login: async () => ({ kind: 'key', key: readFileSync(loginFile, 'utf8') }),
    privateKey: async () => readFileSync(keyFile, 'utf8').trim(),
    clock: systemClock,
  }),
)
