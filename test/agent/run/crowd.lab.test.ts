import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { inviteHome, startAgent, startHub, waitForStatus } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await startHub(picture)
  await picture.home.pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(picture.home.pi)
})
afterAll(() => lab.close())

/** As any user of the machine: 92 connections with a megabyte without a newline each, and a new one for each that ends. */
const CROWD = `
process.setgid(64321); process.setuid(64321)
const { connect } = require('node:net')
const text = 'x'.repeat(1024 * 1024)
let came = 0
function come(path) {
  const socket = connect(path)
  socket.on('error', () => undefined)
  socket.once('connect', () => { socket.write(text); if (++came === 300) console.log('crowded') })
  socket.once('close', () => setTimeout(come, 5, path))
}
for (let index = 0; index < 92; index++) come('/run/homeward/agent.sock')
for (let index = 0; index < 20; index++) come('/run/homeward/change.sock')
`

test('any user of this machine may crowd the agent’s socket: it lives, stays small, and answers its owner', async () => {
  const { pi } = picture.home
  const residentMib = async (): Promise<number> => {
    const { stdout } = await pi.shell('cat /proc/$(pgrep -f "homeward.js run" | head -n 1)/status')
    return Number(/VmRSS:\s+(\d+)/.exec(stdout)?.[1]) / 1024
  }
  const before = await residentMib()
  const crowd = pi.start(process.execPath, ['-e', CROWD])
  await crowd.waitForLine(/crowded/, { timeoutMs: 60_000 })
  for (let times = 0; times < 5; times += 1) {
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
    expect((await residentMib()) - before).toBeLessThan(48)
  }
  // A change of the machine waits for its lock, not for them.
  expect((await pi.homeward(['apply', '--yes'], { allowFailure: true })).exitCode).toBe(0)
  await crowd.stop()
  await agent.stop()
})
