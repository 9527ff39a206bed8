import { readFileSync } from 'node:fs'
import type { RouterAccess } from '../../adapters/mikrotik/api/session.ts'
import { keepConnection } from '../../adapters/mikrotik/api/connection.ts'
import { systemClock } from '../../system/time/clock.ts'
import { median } from '../report.ts'

/**
 * One print on the connection that is kept, over and over: what a remedy over the API costs more than one on this machine,
 * for each thing it asks or says. A program of its own, on the Pi. Arguments: a file with the router's place, one with the
 * password. Prints the median, milliseconds.
 */
export type ApiPlace = Pick<RouterAccess, 'host' | 'port' | 'user' | 'certificate'>

const TIMES = 200

const [placeFile = '', passwordFile = ''] = process.argv.slice(2)
const place = JSON.parse(readFileSync(placeFile, 'utf8')) as ApiPlace
const password = async (): Promise<string> => readFileSync(passwordFile, 'utf8').trim()
const connection = keepConnection({ ...place, password }, systemClock)
const ask = () => connection.exec({ command: '/interface/wireguard/peers/print' }, AbortSignal.timeout(10_000))
// The login, and what Node compiles the first time, are no part of it.
for (let time = 0; time < 20; time += 1) await ask()
const took: number[] = []
for (let time = 0; time < TIMES; time += 1) {
  const began = performance.now()
  await ask()
  took.push(performance.now() - began)
}
connection.close()
console.log(JSON.stringify({ medianMs: median(took) }))
