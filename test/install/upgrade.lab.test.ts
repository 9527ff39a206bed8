import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
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
  for (const [machine, service] of [
    [vps, 'homeward-hub'],
    [pi, 'homeward'],
  ] as const) {
    const before = [await mainPid(machine, service), await tunnelPid(machine)] as const
    expect(await install(machine, 'upgrade')).toContain('tunnels stayed up')
    expect(await mainPid(machine, service)).not.toBe(before[0])
    expect(await tunnelPid(machine)).toBe(before[1])
  }
  expect(await camera(picture)).toContain('camera')
})

/** The unit that brings the version before back at the next boot. */
const BACK = '/etc/systemd/system/homeward-back.service'

/** A release that is broken: `before` is carried out before anything of its program. */
const breakRelease = (machine: ScratchMachine, folder: string, before: string) =>
  machine.shell(`
rm -rf ${folder}
cp -R ${RELEASE} ${folder}
{ printf '%s\\n' ${JSON.stringify(before)}; sed 1d ${RELEASE}/dist/homeward.js; } > ${folder}/dist/homeward.js
sed -i '/^Description=/s/$/, broken/' ${folder}/systemd/*.service
${sumUp(folder)}`)

const RUNS = "process.argv.at(-1) === 'run'"

/** The daemon works, and no packet of its own gets out or in. */
const DEAF = `const { Socket } = process.getBuiltinModule('node:dgram'), { emit } = Socket.prototype; Socket.prototype.send = () => {}; Socket.prototype.emit = function (name, ...said) { return name === 'message' || emit.call(this, name, ...said) }`

type Service = 'homeward' | 'homeward-hub'
const DOES_NOT_ANSWER = { homeward: 'homeward does not answer', 'homeward-hub': 'homeward-hub does not answer' }

const BROKEN: readonly (readonly [string, string, Readonly<Record<Service, string>>])[] = [
  // The later it ends, the more it was taken for one that runs.
  [
    'answers, and ends a little later,',
    `if (${RUNS}) setTimeout(() => { console.error('no luck'); process.exit(1) }, 4500)`,
    DOES_NOT_ANSWER,
  ],
  ['ends at once', `if (${RUNS}) { console.error('no luck'); process.exit(1) }`, DOES_NOT_ANSWER],
  [
    'runs, and neither sends a datagram nor hears one,',
    `if (${RUNS}) { console.error('no luck'); ${DEAF} }`,
    {
      homeward: 'homeward runs, and the tunnel that the version before had is not up two minutes later',
      'homeward-hub': 'homeward-hub runs, and two minutes later hears fewer homes than the version before',
    },
  ],
]
test.each(isLong ? BROKEN : BROKEN.slice(0, 1))(
  'a version whose service %s makes way for the one before, and says why',
  async (_, before, words) => {
    async function falls(machine: ScratchMachine, service: Service): Promise<void> {
      await breakRelease(machine, '/opt/broken', before)
      const tunnel = await tunnelPid(machine)
      const { stderr, stdout, exitCode } = await machine.shell('/opt/broken/install.sh upgrade </dev/null', {
        allowFailure: true,
        timeoutMs: 240_000,
      })
      expect(exitCode).toBe(1)
      expect(stdout).not.toContain('tunnels stayed up')
      expect(stderr).toContain('no luck')
      expect(stderr).toContain(`install.sh: ${words[service]}`)
      expect(stderr).toMatch(new RegExp(`version before, homeward \\S+, is back in \\S+; ${service} runs again`))
      const { stdout: left } = await machine.shell(`
cmp ${RELEASE}/dist/homeward.js /usr/local/lib/homeward/dist/homeward.js
cmp ${RELEASE}/systemd/${service}.service /etc/systemd/system/${service}.service
systemctl is-active ${service}
ls -d /usr/local/lib/homeward*
ls /usr/local/lib/homeward`)
      expect(left.trim().split('\n')).toEqual([
        'active',
        '/usr/local/lib/homeward',
        'LICENSE',
        'README.md',
        'allowed_signers',
        'dist',
        'install.sh',
        'package.json',
      ])
      expect(await tunnelPid(machine)).toBe(tunnel)
    }
    // One after the other: a home whose hub falls has no tunnel to lose.
    await falls(vps, 'homeward-hub')
    await untilUp(pi)
    await falls(pi, 'homeward')
    await untilUp(pi)
    expect(await camera(picture)).toContain('camera')
  },
  300_000,
)

test('a program that does not even tell its version is not put in place', async () => {
  await breakRelease(pi, '/opt/broken', "throw new Error('half a file')")
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

test('an older release is refused before anything is changed, and taken when its owner says so', async () => {
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
}, 300_000)

test('an upgrade that was cut off is none: the next that fails brings back what ran before it', async () => {
  await breakRelease(pi, '/opt/broken', `if (${RUNS}) process.exit(1)`)
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
const AFTER_BOOT = `
systemctl stop homeward
ip link delete hw0
systemctl daemon-reload
systemctl start multi-user.target`

// Somewhere between the first change and the last, the power goes.
const MOMENTS = isLong ? [0, 0.1, 0.3, 0.6, 1, 1.5, 2, 3, 4.5, 6] : [0, 0.6, 4]
test.each(MOMENTS)(
  'the power goes %s s after an upgrade began to change things: the next boot brings back what ran before',
  async (seconds) => {
    await breakRelease(pi, '/opt/broken', `if (${RUNS}) process.exit(1)`)
    await pi.shell(
      `
(/opt/broken/install.sh upgrade </dev/null >/dev/null 2>&1 & echo $! >/var/upgrade.pid)
until [ -e ${BACK} ]; do sleep 0.02; done
sleep ${seconds}
kill -KILL "$(cat /var/upgrade.pid)" || true # It has ended where it was quick.
${AFTER_BOOT}`,
      { timeoutMs: 240_000 },
    )
    await untilUp(pi)
    await pi.shell(`
cmp ${RELEASE}/dist/homeward.js /usr/local/lib/homeward/dist/homeward.js
cmp ${RELEASE}/systemd/homeward.service /etc/systemd/system/homeward.service
for gone in /usr/local/lib/homeward.old /usr/local/lib/homeward/kept ${BACK}; do test ! -e $gone; done`)
  },
  300_000,
)
