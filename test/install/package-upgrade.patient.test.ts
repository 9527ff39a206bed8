import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
import { BROKEN, type Fault, pingHome, RUNS, type Service } from './broken-release.ts'
import { bootForPackages, placePackage } from './packaged.ts'
import type { ScratchMachine } from './scratch-machine.ts'
import { camera, mainPid, tunnelPid, until, untilUp, type VpsAndPi } from './vps-and-pi.ts'

/** A package is installed on a VPS and a Pi, and another version of it comes. In the long run only: each fall waits for minutes. */
describe.runIf(isLong)('a package that is upgraded', { timeout: 900_000 }, () => {
  let machines: VpsAndPi
  let picture: Picture
  let vps: ScratchMachine
  let pi: ScratchMachine
  /** Each package is newer than the one before. */
  let minor = 0
  /** The one that runs. */
  let good: string

  const apt = 'DEBIAN_FRONTEND=noninteractive apt-get'
  const next = (fault: Omit<Fault, 'inInstaller'> = {}) => {
    minor += 1
    return placePackage([vps, pi], `1.${minor}.0`, fault)
  }
  const both = [
    ['homeward-hub', () => vps],
    ['homeward', () => pi],
  ] as const

  beforeAll(async () => {
    machines = await bootForPackages()
    ;({ picture, vps, pi } = machines)
    const deb = await next()
    good = '1.1.0'
    for (const machine of [vps, pi]) await machine.shell(`${apt} install --yes ${deb}`, { timeoutMs: 120_000 })
    await vps.shell('homeward hub init --address 203.0.113.10 --yes && systemctl start homeward-hub')
    await until('the hub', async () => (await vps.shell('homeward hub status', { allowFailure: true })).exitCode !== 1)
    const token = (await vps.shell('homeward hub invite cabin')).stdout.trim()
    await pi.shell(`homeward join ${token} --yes && systemctl start homeward`, { timeoutMs: 120_000 })
    await untilUp(pi)
  }, 300_000)
  afterAll(() => machines.end())

  const state = async (machine: ScratchMachine): Promise<string> =>
    (await machine.shell("dpkg-query --show --showformat '${db:Status-Abbrev}${Version}' homeward")).stdout.trim()
  const runs = async (machine: ScratchMachine): Promise<string> =>
    (await machine.shell('homeward --version')).stdout.trim()
  /** Nothing of a way back is left. */
  const isSettled = (machine: ScratchMachine) =>
    machine.shell(
      '! ls -d /usr/lib/homeward.before /run/homeward-trial /etc/systemd/system/homeward*.service /run/systemd/system.control/homeward* 2>/dev/null',
    )

  test('to a good one leaves nothing of the version before, and the tunnel stays up', async () => {
    const pings = pingHome(picture)
    const deb = await next()
    good = `1.${minor}.0`
    for (const [service, machine] of both) {
      const before = [await mainPid(machine(), service), await tunnelPid(machine())]
      await machine().shell(`${apt} install --yes ${deb}`, { timeoutMs: 300_000 })
      expect(await mainPid(machine(), service)).not.toBe(before[0])
      expect(await tunnelPid(machine())).toBe(before[1])
      expect([await state(machine()), await runs(machine())]).toEqual([`ii ${good}`, good])
      await isSettled(machine())
    }
    await untilUp(pi)
    await pings.hardlyLost()
  })

  test.each(BROKEN)('to one that $what goes on with the version before', async ({ fault, because, words }) => {
    const pings = pingHome(picture)
    const deb = await next(fault)
    const version = `1.${minor}.0`
    async function falls(machine: ScratchMachine, service: Service): Promise<void> {
      const tunnel = await tunnelPid(machine)
      const fell = await machine.shell(`${apt} install --yes ${deb}`, { allowFailure: true, timeoutMs: 400_000 })
      expect(fell.exitCode).toBe(100)
      expect(fell.stdout + fell.stderr).toContain(because)
      expect(fell.stdout + fell.stderr).toContain(
        `${words[service]}, so the version before, ${good}, goes on; ${service} runs again`,
      )
      expect(await state(machine)).toBe(`iF ${version}`)
      expect(await runs(machine)).toBe(good)
      // Whatever apt does next settles it, and tries nothing again.
      const settled = await machine.shell(
        `${apt} install --yes conntrack 2>&1; ${apt} install --only-upgrade --yes homeward 2>&1; ${apt} --simulate upgrade 2>&1`,
        {
          timeoutMs: 120_000,
        },
      )
      expect(settled.stdout).toContain(`${version} stays unused, and ${good} runs`)
      expect(settled.stdout).toContain('homeward is already the newest version')
      expect(settled.stdout).not.toContain('Inst homeward')
      expect(await state(machine)).toBe(`ii ${version}`)
      expect((await machine.shell('dpkg --verify homeward')).stdout).toBe('')
      expect((await machine.shell(`systemctl cat ${service}`)).stdout).not.toContain('broken')
      await machine.shell('! grep -h sinceTwo /etc/homeward/*.yaml')
      expect((await machine.shell('homeward upgrade --check', { allowFailure: true })).stdout).toContain(
        `homeward ${version} was tried at `,
      )
      expect(await tunnelPid(machine)).toBe(tunnel)
    }
    await falls(vps, 'homeward-hub')
    if (fault.before?.includes('laptop') === true) {
      expect((await vps.shell('homeward device list')).stdout).toContain('laptop')
      await vps.shell('homeward device remove laptop')
    }
    await untilUp(pi)
    await falls(pi, 'homeward')
    await untilUp(pi)
    expect(await camera(picture)).toContain('camera')
    await pings.hardlyLost()
  })

  test('on a disk that becomes full while dpkg unpacks is none', async () => {
    const deb = await next()
    const pings = pingHome(picture)
    for (const [service, machine] of both) {
      const before = await state(machine())
      for (const room of [0, 3]) {
        await machine().leaveRoom(room)
        const { exitCode, stderr } = await machine().shell(`dpkg --install ${deb}`, {
          allowFailure: true,
          timeoutMs: 120_000,
        })
        await machine().leaveRoom(null)
        expect(exitCode).not.toBe(0)
        expect(stderr).toMatch(/No space left|could not be kept, most often since the disk is full/)
        expect([await state(machine()), await runs(machine())]).toEqual([before, good])
        await machine().shell(`systemctl is-active ${service}`)
      }
    }
    await untilUp(pi)
    await pings.hardlyLost()
  })

  test('to a good one after all of that leaves nothing of what went back', async () => {
    const deb = await next()
    good = `1.${minor}.0`
    for (const [, machine] of both) {
      await machine().shell(`${apt} install --yes ${deb}`, { timeoutMs: 300_000 })
      expect([await state(machine()), await runs(machine())]).toEqual([`ii ${good}`, good])
      await isSettled(machine())
      expect((await machine().shell('homeward upgrade --check', { allowFailure: true })).stdout).not.toContain(
        'was tried',
      )
    }
    await untilUp(pi)
  })

  test('by homeward upgrade comes from the apt repository, and one that fell is not tried again', async () => {
    const offer = (machine: ScratchMachine, deb: string) =>
      machine.shell(`
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d /opt/apt && mkdir -p /etc/apt/sources.list.d /opt/apt
cp ${deb} /opt/apt/ && cd /opt/apt && apt-ftparchive packages . >Packages
echo 'deb [trusted=yes] file:/opt/apt ./' >/etc/apt/sources.list.d/homeward.list
apt-get update`)
    const said = async (machine: ScratchMachine, words: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await machine.shell(`homeward upgrade ${words} </dev/null`, {
        allowFailure: true,
        timeoutMs: 400_000,
      })
      return `${exitCode} ${stdout}${stderr}`
    }
    const better = await next()
    const fallsDown = await next({ before: `if (${RUNS}) process.exit(1)` })
    good = `1.${minor - 1}.0`
    for (const [, machine] of both) {
      await offer(machine(), better)
      expect(await said(machine(), '--check')).toMatch(
        new RegExp(`^2 homeward 1\\.\\d+\\.0, installed as a package\n${good} is offered: sudo homeward upgrade\n`),
      )
      expect(await said(machine(), '')).toMatch(/^0 /)
      expect([await state(machine()), await runs(machine())]).toEqual([`ii ${good}`, good])
      expect(await said(machine(), '')).toContain(`homeward ${good} is the newest that is offered`)
      await offer(machine(), fallsDown)
      expect(await said(machine(), '')).toMatch(/^1 [^]*does not answer, so the version before/)
      expect(await said(machine(), '')).toMatch(/^1 [^]*To try it again: sudo apt-get install --reinstall homeward/)
      expect(await runs(machine())).toBe(good)
      await untilUp(pi)
    }
  })

  test.each([0.1, 0.3, 0.6, 1, 1.5, 2, 3, 4.5, 6, 8])(
    'and whose power goes %s s after it began has the version before at the next boot',
    async (seconds) => {
      const deb = await next({ before: `if (${RUNS}) process.exit(1)` })
      for (const [service, machine] of both) {
        await machine().shell(
          `
rm -f /var/session
setsid sh -c 'echo $$ >/var/session; exec dpkg --install ${deb}' >/dev/null 2>&1 </dev/null &
until [ -s /var/session ]; do sleep 0.02; done
sleep ${seconds}
pkill -KILL --session "$(cat /var/session)" || true
systemctl stop ${service}
rm -rf /run/homeward-trial /run/systemd/system.control
ip link delete hw0
systemctl daemon-reload
systemctl start multi-user.target`,
          { timeoutMs: 240_000 },
        )
        await untilUp(pi)
        expect(await runs(machine())).toBe(good)
        // dpkg asks for this after a power cut. The new version is tried again, and falls.
        await machine().shell(`dpkg --configure -a || true; dpkg --install ${deb} || true; dpkg --configure -a`, {
          timeoutMs: 400_000,
        })
        expect([await state(machine()), await runs(machine())]).toEqual([`ii 1.${minor}.0`, good])
        await untilUp(pi)
      }
    },
  )
})
