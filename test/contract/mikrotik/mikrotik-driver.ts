import { readFileSync } from 'node:fs'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import type { RouterAccess } from '../../../adapters/mikrotik/api/session.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { serveDriver } from '../driver.ts'

/** The MikroTik adapter in a process of its own. Bundled by the harness. Arguments: a file with its options, one with the password. */
export interface MikrotikDriverOptions extends Pick<RouterAccess, 'host' | 'port' | 'user' | 'certificate'> {
  readonly stateDir: string
  readonly rollbackSeconds: number
}

const [optionsFile = '', passwordFile = ''] = process.argv.slice(2)
const options = JSON.parse(readFileSync(optionsFile, 'utf8')) as MikrotikDriverOptions
const password = async (): Promise<string> => readFileSync(passwordFile, 'utf8').trim()
serveDriver(() => mikrotikAdapter({ ...options, password, clock: systemClock }))
