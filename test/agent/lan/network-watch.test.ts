import { expect, test } from 'vitest'
import { watchNetworks } from '../../../agent/lan/network-watch.ts'
import { makeLog } from '../../../system/process/log.ts'

const log = makeLog('agent')
log.level = 'silent'

test('a change of this machine’s networks is told once, and what stays the same never', async () => {
  const looks = ['eth0', 'eth0', 'eth0 wlan0', 'eth0 wlan0']
  const ended = new AbortController()
  const told: number[] = []
  const read = async (): Promise<string> => {
    const now = looks.shift()
    if (now === undefined) ended.abort()
    return now ?? 'eth0 wlan0'
  }
  await watchNetworks(
    () => 'hw0',
    () => void told.push(looks.length),
    log,
    ended.signal,
    { read, everyMs: 1 },
  )
  expect(told).toEqual([1])
})
