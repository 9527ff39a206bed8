import { readFileSync } from 'node:fs'
import { openwrtAdapter, type OpenwrtAdapterOptions } from '../adapters/openwrt/openwrt.ts'
import { systemClock } from '../system/time/clock.ts'

/**
 * The looks of a minute at a router that tells nothing: one at all, and calm ones each eight seconds. A program of its own,
 * on the Pi. Arguments: a file with the router's place, one with the key to log in with, how many minutes.
 */
export type RouterPlace = Pick<OpenwrtAdapterOptions, 'host' | 'port' | 'user' | 'hostKey'>

const CALM_LOOKS = 7

const [placeFile = '', keyFile = '', minutes = '1'] = process.argv.slice(2)
const place = JSON.parse(readFileSync(placeFile, 'utf8')) as RouterPlace
const adapter = openwrtAdapter({
  ...place,
  login: async () => ({ kind: 'key', key: readFileSync(keyFile, 'utf8') }),
  privateKey: () => Promise.reject(new Error('nothing is changed here')),
  clock: systemClock,
})
const signal = AbortSignal.timeout(300_000)
// The login is no part of it.
await adapter.observe(signal)
console.log('ready')
process.stdin.once('data', () => void look())

async function look(): Promise<void> {
  for (let minute = 0; minute < Number(minutes); minute += 1) {
    await adapter.observe(signal)
    for (let calm = 0; calm < CALM_LOOKS; calm += 1) await adapter.observe(signal, 'calm')
  }
  console.log('looked')
  process.stdin.once('data', () => void adapter.close().then(() => process.exit()))
}
