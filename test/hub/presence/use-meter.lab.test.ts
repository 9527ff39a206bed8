import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeAnswer, encodeRequest } from '../../../protocol/datagrams/heartbeat.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { inviteHome, startHub } from '../../agent/lab-home.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'

let lab: Lab
let picture: Picture
let heartbeats: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await startHub(picture)
  await picture.home.pi.homeward(['join', await inviteHome(picture), '--yes'])
  heartbeats = picture.home.pi.start(process.execPath, ['-e', BEATS, Buffer.from(encodeRequest(7)).toString('hex')])
  await heartbeats.waitForLine(/^[0-9a-f]+$/)
})
afterAll(() => lab.close())

/** A heartbeat a second; prints the answers. */
const BEATS = `
const socket = require('node:dgram').createSocket('udp4')
const request = Buffer.from(process.argv[1], 'hex')
socket.on('message', (answer) => console.log(answer.toString('hex')))
setInterval(() => socket.send(request, 8686, '10.86.0.1', () => undefined), 1000)
`

const answersFrom = (place: number): readonly (boolean | undefined)[] =>
  heartbeats.stdout
    .slice(place)
    .split('\n')
    .slice(0, -1)
    .map((line) => decodeAnswer(Buffer.from(line, 'hex'))?.inUse)

/** What the answers of the next seconds say. */
async function answersOf(seconds: number): Promise<readonly (boolean | undefined)[]> {
  const before = heartbeats.stdout.length
  await sleep(seconds * 1_000)
  return answersFrom(before)
}

/** Until the newest answer says so. */
const comesToSay = (inUse: boolean) => expect.poll(() => answersFrom(0).at(-1)).toBe(inUse)

test('heartbeats, keepalives and handshakes are no use', async () => {
  await answersOf(4)
  const { pi } = picture.home
  const before = heartbeats.stdout.length
  const [answers] = await Promise.all([
    answersOf(12),
    // More handshakes than a tunnel ever has: each begins a session.
    (async () => {
      for (let count = 0; count < 3; count += 1) {
        await sleep(3_000)
        await pi.shell(`
set -- $(wg show hw0 endpoints)
wg set hw0 peer "$1" remove
wg set hw0 peer "$1" endpoint "$2" allowed-ips 10.86.0.0/16 persistent-keepalive 1`)
      }
    })(),
  ])
  expect(answers).not.toContain(true)
  await expect.poll(() => answersFrom(before).length).toBeGreaterThan(6)
})

test.each([
  ['to the home', () => picture.hub, '10.86.0.2'],
  ['from the home', () => picture.home.pi, '10.86.0.1'],
])('ten tiny packets a second %s are use, seen within seconds, and not for long after', async (_way, from, to) => {
  const stream = from().start('ping', ['-n', '-i', '0.1', '-s', '0', to])
  await comesToSay(true)
  expect(await answersOf(4)).not.toContain(false)
  await stream.stop()
  await comesToSay(false)
  expect(await answersOf(4)).not.toContain(true)
})
