import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
import { BROKEN, breakRelease, FULL_DISKS, pingHome, RUNS, type Service } from './broken-release.ts'
import { sumUp } from './release.ts'
import type { ScratchMachine } from './scratch-machine.ts'
import {
  bootVpsAndPi,
  camera,
  install,
  invite,
  mainPid,
  RELEASE,
  tunnelPid,
  untilUp,
  type VpsAndPi,
} from './vps-and-pi.ts'

/** What is installed on a VPS and a Pi, and another version of it that comes. */
let machines: VpsAndPi
let picture: Picture
let vps: ScratchMachine
let pi: ScratchMachine

beforeAll(async () => {
  machines = await bootVpsAndPi()
  ;({ picture, vps, pi } = machines)
  await install(vps, 'hub --address 203.0.113.10')
  await install(pi, `home ${await invite(vps)}`)
  await untilUp(pi)
})
afterAll(() => machines.end())

test('an upgrade starts the services anew, and the tunnel stays up', async () => {
  for (const [machine, service, command] of [
    [vps, 'homeward-hub', `${RELEASE}/install.sh upgrade`],
    [pi, 'homeward', `homeward upgrade ${RELEASE}`],
  ] as const) {
    const before = [await mainPid(machine, service), await tunnelPid(machine)] as const
    const { stdout } = await machine.shell(`${command} </dev/null`, { timeoutMs: 180_000 })
    expect(stdout).toContain('tunnels stayed up')
    expect(await mainPid(machine, service)).not.toBe(before[0])
    expect(await tunnelPid(machine)).toBe(before[1])
  }
  expect(await camera(picture)).toContain('camera')
})

test('homeward upgrade says what it cannot do, and verifies a release before anything of it runs', async () => {
  // A folder of its own for what is unpacked: this machine's own /var/tmp is under the scratch machine's, with what others leave.
  await pi.shell('rm -rf /opt/unpacking && mkdir /opt/unpacking')
  const said = async (command: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await pi.shell(`export TMPDIR=/opt/unpacking; ${command} </dev/null`, {
      allowFailure: true,
    })
    return `${exitCode} ${stdout}${stderr}`
  }
  expect(await said('homeward upgrade')).toMatch(
    /^1 .*: no releases are published yet\. Name a release .* \[nothing-offered\]/,
  )
  expect(await said('homeward upgrade --check')).toMatch(
    /^0 homeward \S+, installed by install\.sh\nnothing newer is known/,
  )
  expect(await said('setpriv --reuid=65534 --clear-groups homeward upgrade')).toContain('[no-root]')
  expect(await said('homeward upgrade ./homeward_1_amd64.deb')).toMatch(
    /^64 .*is a package, and homeward is installed here by/,
  )
  expect(await said('homeward upgrade /opt/nothing')).toMatch(/^1 .*there is no \/opt\/nothing/)
  await pi.shell(`
rm -rf /opt/homeward-9 && cp -R ${RELEASE} /opt/homeward-9
sed -i 's/^  "version": .*/  "version": "9.0.0",/' /opt/homeward-9/package.json
${sumUp('/opt/homeward-9')}
tar -czf /opt/homeward-9.tar.gz -C /opt homeward-9
echo 'touch /opt/ran' >>/opt/homeward-9/install.sh`)
  expect(await said('homeward upgrade --check /opt/homeward-9.tar.gz')).toMatch(/^2 [^]*9\.0\.0 is offered/)
  expect(await said('homeward upgrade /opt/homeward-9')).toMatch(/^1 [^]*not whole: install\.sh/)
  expect((await pi.shell('ls -d /opt/ran /opt/unpacking/* 2>/dev/null || true')).stdout).toBe('')
})

/** What status says of the upgrade that went back. */
const wentBack = async (machine: ScratchMachine): Promise<string> =>
  (await machine.shell('homeward upgrade --check', { allowFailure: true })).stdout

/** The unit that brings the version before back at the next boot. */
const BACK = '/etc/systemd/system/homeward-back.service'

/** The version before runs with its own settings, and nothing else of the new one is left. */
async function isAsBefore(machine: ScratchMachine, service: Service): Promise<void> {
  const { stdout: left } = await machine.shell(`
cmp ${RELEASE}/dist/homeward.js /usr/local/lib/homeward/dist/homeward.js
cmp ${RELEASE}/systemd/${service}.service /etc/systemd/system/${service}.service
test ! -e ${BACK}
! grep -h sinceTwo /etc/homeward/*.yaml
systemctl is-active ${service}
ls -d /usr/local/lib/homeward* /usr/local/bin/homeward*
ls /usr/local/lib/homeward`)
  expect(left.trim().split('\n')).toEqual([
    'active',
    '/usr/local/bin/homeward',
    '/usr/local/lib/homeward',
    'LICENSE',
    'README.md',
    'allowed_signers',
    'dist',
    'install.sh',
    'package.json',
  ])
}

test.each(isLong ? BROKEN : BROKEN.slice(0, 1))(
  'a version whose service $what makes way for the one before, and says why',
  async ({ fault, because, words }) => {
    const pings = pingHome(picture)
    async function falls(machine: ScratchMachine, service: Service): Promise<void> {
      await breakRelease(machine, '/opt/broken', fault)
      const tunnel = await tunnelPid(machine)
      const { stderr, stdout, exitCode } = await machine.shell('/opt/broken/install.sh upgrade </dev/null', {
        allowFailure: true,
        timeoutMs: 240_000,
      })
      expect(exitCode).toBe(1)
      expect(stdout).not.toContain('tunnels stayed up')
      expect(stderr).toContain(because)
      expect(stderr).toContain(`install.sh: ${words[service]}`)
      expect(await wentBack(machine)).toContain(`did not stay: ${words[service]}`)
      const status = service === 'homeward' ? 'status' : 'hub status'
      expect((await machine.shell(`homeward ${status} --json`, { allowFailure: true })).stdout).toContain(
        '"wentBack": {',
      )
      expect(stderr).toMatch(new RegExp(`version before, homeward \\S+, is back in \\S+; ${service} runs again`))
      await isAsBefore(machine, service)
      expect(await tunnelPid(machine)).toBe(tunnel)
    }
    // One after the other: a home whose hub falls has no tunnel to lose.
    await falls(vps, 'homeward-hub')
    if (because === 'no luck' && fault.before?.includes('laptop') === true) {
      // What was added while the new one ran is there.
      expect((await vps.shell('homeward device list')).stdout).toContain('laptop')
      await vps.shell(
        'homeward device remove laptop; ls /etc/homeward/hub.yaml.newer /var/lib/homeward/store.json.newer',
      )
    }
    await untilUp(pi)
    await falls(pi, 'homeward')
    await untilUp(pi)
    expect(await camera(picture)).toContain('camera')
    await pings.hardlyLost()
  },
  600_000,
)

test.each(isLong ? FULL_DISKS : [])(
  'a disk that becomes full $when leaves the version before, whole',
  async ({ fault }) => {
    const pings = pingHome(picture)
    async function falls(machine: ScratchMachine, service: Service): Promise<void> {
      await breakRelease(machine, '/opt/broken', fault)
      const tunnel = await tunnelPid(machine)
      await machine.leaveRoom(40)
      const { stderr, exitCode } = await machine.shell('/opt/broken/install.sh upgrade </dev/null', {
        allowFailure: true,
        timeoutMs: 240_000,
      })
      expect(stderr).toMatch(/No space left|no luck/)
      expect(stderr).toMatch(/install\.sh: .*\. .*\./)
      expect(exitCode).toBe(1)
      await isAsBefore(machine, service)
      await machine.shell('test "$(stat -c %s /var/fill)" -gt 10000000; rm /var/fill')
      await machine.leaveRoom(null)
      expect(await tunnelPid(machine)).toBe(tunnel)
    }
    if (isLong) await falls(vps, 'homeward-hub')
    await untilUp(pi)
    await falls(pi, 'homeward')
    await untilUp(pi)
    await pings.hardlyLost()
  },
  600_000,
)

test('a disk with too little room is said before anything is changed', async () => {
  await pi.leaveRoom(4)
  const { stderr, exitCode } = await pi.shell(`${RELEASE}/install.sh upgrade </dev/null`, { allowFailure: true })
  await pi.leaveRoom(null)
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(
    /the disk of \/usr\/local\/lib has \d MB free, and this takes \d+ MB\. Nothing was changed\. Free some space/,
  )
  await isAsBefore(pi, 'homeward')
})

test('a program that does not even tell its version is not put in place', async () => {
  await breakRelease(pi, '/opt/broken', { before: "throw new Error('half a file')" })
  const pid = await mainPid(pi, 'homeward')
  const { stderr, exitCode } = await pi.shell('/opt/broken/install.sh upgrade </dev/null', {
    allowFailure: true,
    timeoutMs: 180_000,
  })
  expect(exitCode).toBe(1)
  expect(stderr).toContain('half a file')
  expect(stderr).toContain('Nothing was changed: what was installed is still in place')
  expect(await mainPid(pi, 'homeward')).toBe(pid)
})

test.runIf(isLong)(
  'an older release is refused before anything is changed, and taken when its owner says so',
  async () => {
    await vps.shell(`
rm -rf /opt/older && cp -R ${RELEASE} /opt/older
sed -i 's/^  "version": .*/  "version": "0.0.9",/' /opt/older/package.json
${sumUp('/opt/older')}`)
    const pid = await mainPid(vps, 'homeward-hub')
    const refused = await vps.shell('/opt/older/install.sh upgrade </dev/null', { allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(/this is homeward 0\.0\.9, and \S+ is installed: .*Nothing was changed/)
    expect(await mainPid(vps, 'homeward-hub')).toBe(pid)
    const { stdout } = await vps.shell('/opt/older/install.sh hub --downgrade </dev/null', { timeoutMs: 180_000 })
    expect(stdout).toContain('this hub is set up already')
    expect((await vps.shell('grep version /usr/local/lib/homeward/package.json')).stdout).toContain('0.0.9')
    expect(await install(vps, 'upgrade')).toContain('tunnels stayed up')
    await vps.shell('rm -rf /opt/older')
  },
  300_000,
)

test('an upgrade that was cut off is none: the next that fails brings back what ran before it', async () => {
  await breakRelease(pi, '/opt/broken', { before: `if (${RUNS}) process.exit(1)` })
  await pi.shell(
    `
(/opt/broken/install.sh upgrade </dev/null >/dev/null 2>&1 & echo $! >/var/upgrade.pid)
until [ -e /usr/local/lib/homeward.old ] && [ -e /usr/local/lib/homeward/dist ]; do sleep 0.05; done
kill -KILL "$(cat /var/upgrade.pid)"`,
    { timeoutMs: 180_000 },
  )
  const { exitCode } = await pi.shell('/opt/broken/install.sh upgrade </dev/null', {
    allowFailure: true,
    timeoutMs: 240_000,
  })
  expect(exitCode).toBe(1)
  await pi.shell(
    `test ! -e ${BACK}; cmp ${RELEASE}/dist/homeward.js /usr/local/lib/homeward/dist/homeward.js; test ! -e /usr/local/lib/homeward.old`,
  )
  await untilUp(pi)
}, 300_000)

/** What systemd starts at the next boot. The rest of a boot is tried in services.lab.test.ts. */
const afterBoot = (service: Service): string => `
systemctl stop ${service}
ip link delete hw0
systemctl daemon-reload
systemctl start multi-user.target`

// Somewhere between the first change and the last, the power goes.
const MOMENTS = isLong ? [0, 0.1, 0.3, 0.6, 1, 1.5, 2, 3, 4.5, 6] : [0.6]
test.each(MOMENTS)(
  'the power goes %s s after an upgrade began to change things: the next boot brings back what ran before',
  async (seconds) => {
    async function cut(machine: ScratchMachine, service: Service): Promise<void> {
      await breakRelease(machine, '/opt/broken', { before: `if (${RUNS}) process.exit(1)` })
      await machine.shell(
        `
(/opt/broken/install.sh upgrade </dev/null >/dev/null 2>&1 & echo $! >/var/upgrade.pid)
until [ -e ${BACK} ]; do sleep 0.02; done
sleep ${seconds}
kill -KILL "$(cat /var/upgrade.pid)" || true # It has ended where it was quick.
${afterBoot(service)}`,
        { timeoutMs: 240_000 },
      )
    }
    const ends: readonly (readonly [ScratchMachine, Service])[] = [
      [vps, 'homeward-hub'],
      [pi, 'homeward'],
    ]
    for (const [machine, service] of isLong ? ends : ends.slice(1)) {
      await cut(machine, service)
      await untilUp(pi)
      await machine.shell(`
cmp ${RELEASE}/dist/homeward.js /usr/local/lib/homeward/dist/homeward.js
cmp ${RELEASE}/systemd/${service}.service /etc/systemd/system/${service}.service
systemctl is-active ${service}
for gone in /usr/local/lib/homeward.old /usr/local/lib/homeward/kept ${BACK}; do test ! -e $gone; done`)
    }
  },
  300_000,
)
