import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sleep } from '../../system/time/sleep.ts'
import { dropThisFlow, moveHub, rebootHub, rebootRouter } from './faults/faults.ts'
import { createLab, type Lab } from './lab.ts'
import { answerFlows, liveFlow, PORT } from './live-flow.ts'
import { buildPicture, HUB_NAME, type Picture } from './picture.ts'
import { openUdpFlow } from './traffic/udp-flow.ts'

let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await answerFlows(picture)
})

afterAll(async () => {
  await lab.close()
  expect(existsSync(lab.folder)).toBe(false)
})

describe('machines', () => {
  it('a killed program dies in its namespace', async () => {
    const sleeper = picture.home.pi.start('sh', ['-c', 'echo pid $$; exec sleep 1000'])
    const [, pid] = await sleeper.waitForLine(/^pid (\d+)$/)
    await sleeper.kill('SIGKILL')
    expect(await sleeper.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect((await picture.home.pi.run('kill', ['-0', pid ?? ''], { allowFailure: true })).exitCode).not.toBe(0)
  })

  it('a daemon that dies leaves no zombie', async () => {
    const { pi } = picture.home
    const [, pid] = /(\d+)/.exec((await pi.shell('sleep 0.1 >/dev/null 2>&1 & echo $!')).stdout) ?? []
    await expect
      .poll(async () => (await pi.run('ps', ['-p', pid ?? '', '-o', 'stat='], { allowFailure: true })).stdout)
      .toBe('')
  })

  it('a stopped program goes on when told to', async () => {
    const talker = picture.home.pi.start('sh', ['-c', 'while sleep 0.02; do echo tick; done'])
    await talker.waitForLine(/tick/)
    await talker.kill('SIGSTOP')
    // What it said before is read.
    let stoppedAt = 0
    await expect.poll(() => stoppedAt === (stoppedAt = talker.lineCount), { interval: 300 }).toBe(true)
    await sleep(150)
    expect(talker.lineCount).toBe(stoppedAt)
    await talker.kill('SIGCONT')
    await talker.waitForLine(/tick/, { after: stoppedAt })
    expect(await talker.stop()).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it('a program that takes too long is killed, and the error says what it was', async () => {
    const run = picture.home.pi.run('sleep', ['1234'], { timeoutMs: 200 })
    await expect(run).rejects.toThrow('on pi, sleep 1234 failed: it did not end within 0.2 s')
    expect((await picture.home.pi.run('ps', ['-e', '-o', 'args='])).stdout).not.toContain('sleep 1234')
  })

  it('a rebooted router has forgotten its flows and works again', async () => {
    const { home } = picture
    const flow = await liveFlow(picture)
    const interfaceBefore = (await home.pi.run('ip', ['-o', 'link'])).stdout
    await rebootRouter(lab, home)
    expect((await home.router.run('conntrack', ['-L'])).stdout).toBe('')
    await expect.poll(() => flow.ask({ timeoutMs: 1500 }), { timeout: 60_000 }).toBeDefined()
    // Its LAN hosts hang on a switch: their own interfaces never went.
    expect((await home.pi.run('ip', ['-o', 'link'])).stdout).toBe(interfaceBefore)
  })

  it('a rebooted hub keeps its disk, loses /run and its programs, and a wiped one its disk too', async () => {
    const { hub } = picture
    await hub.shell(`touch /run/homeward/x; echo kept > ${hub.disk.stateDir}/kept; ip link add w type bridge`)
    await rebootHub(lab, picture)
    expect((await hub.shell(`ls /run/homeward; cat ${hub.disk.stateDir}/kept; ls /sys/class/net`)).stdout).toBe(
      'kept\neth0\nlo\n',
    )
    expect(await hub.run('ps', ['-e', '-o', 'comm='])).not.toMatchObject({ stdout: expect.stringContaining('node') })
    await rebootHub(lab, picture, { keepDisk: false })
    expect((await hub.run('ls', [hub.disk.stateDir])).stdout).toBe('')
    await hub.run('ping', ['-c1', '-w30', picture.beacon])
    await answerFlows(picture)
  })

  it('a moved hub answers under its name at the new address only', async () => {
    const old = picture.hubAddress
    const flow = await liveFlow(picture)
    const moved = await moveHub(lab, picture)
    expect(await flow.ask({ timeoutMs: 200 })).toBeUndefined()
    expect((await picture.home.pi.run('getent', ['hosts', HUB_NAME])).stdout).toContain(moved)
    expect(await (await openUdpFlow(picture.phone, HUB_NAME, PORT)).ask()).toBeDefined()
    // An address nobody has would be reported unreachable after three ARP questions, a second each, once it is not known.
    await picture.internet.run('ip', ['neigh', 'flush', 'dev', 'hub0'])
    const silent = await picture.phone.run('ping', ['-c1', '-W4', old], { allowFailure: true })
    expect(silent.stdout).not.toContain('Unreachable')
    expect(silent.exitCode).toBe(1)
  })

  it('wireguard-go carries packets between the Pi and the hub, under the same interface name on both', async () => {
    const { hub, home } = picture
    const keys = 'wireguard-go wg0 >/dev/null 2>&1; umask 77; wg genkey > key; wg pubkey < key'
    const key = async (host: typeof hub) => (await host.shell(`cd ${host.disk.stateDir}\n${keys}`)).stdout.trim()
    const [ofHub, ofPi] = await Promise.all([key(hub), key(home.pi)])
    await hub.shell(`
wg set wg0 private-key ${hub.disk.stateDir}/key listen-port 51820 peer ${ofPi} allowed-ips 10.9.0.2/32
ip addr add 10.9.0.1/24 dev wg0 && ip link set wg0 up`)
    await home.pi.shell(`
wg set wg0 private-key ${home.pi.disk.stateDir}/key peer ${ofHub} allowed-ips 10.9.0.0/24 endpoint ${picture.hubAddress}:51820
ip addr add 10.9.0.2/24 dev wg0 && ip link set wg0 up`)
    await home.pi.run('ping', ['-c1', '-w30', '10.9.0.1'])
    const undo = await dropThisFlow(home)
    const blocked = await home.pi.run('ping', ['-c1', '-W1', '10.9.0.1'], { allowFailure: true })
    expect(blocked.exitCode).toBe(1)
    await undo()
    await home.pi.run('ping', ['-c1', '-w30', '10.9.0.1'])
  })
})
