import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { RunResult } from '../lab/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { unpackRelease } from './release.ts'
import { bootScratchMachine, type ScratchMachine } from './scratch-machine.ts'

let lab: Lab
let machine: ScratchMachine

beforeAll(async () => {
  lab = await createLab()
  const [host] = await lab.addHosts([{ name: 'vps' }])
  machine = await bootScratchMachine(lab, host!, 'none')
  await unpackRelease(machine, '/opt/release')
  await machine.shell(`
mkdir -p /var/kept
# Whoever installs nothing finds nothing: apt-get gives back what a test took away, and remembers what it was asked.
cat > /usr/local/sbin/apt-get <<'SH'
#!/bin/sh
echo "$*" >>/var/asked
echo 'a long story'
[ ! -e /var/apt-broken ] || { echo 'E: no room'; exit 100; }
case "$*" in *install*) cp -a /var/kept/. /usr/bin/ ;; esac
SH
cat > /usr/local/sbin/apt-cache <<'SH'
#!/bin/sh
printf 'nodejs:\\n  Installed: (none)\\n  Candidate: %s\\n' "$(cat /var/candidate)"
SH
chmod 755 /usr/local/sbin/apt-get /usr/local/sbin/apt-cache`)
})
afterAll(async () => {
  await machine.end()
  await lab.close()
})
beforeEach(() => machine.shell('rm -f /var/asked /var/apt-broken; cp -a /var/kept/. /usr/bin/; rm -rf /var/kept/*'))

const takeAway = (...tools: readonly string[]) =>
  machine.shell(tools.map((tool) => `mv "$(command -v ${tool})" /var/kept/${tool}\n`).join(''))
const asked = async () => (await machine.shell('cat /var/asked 2>/dev/null || true')).stdout.trim().split('\n')
const install = (words: string): Promise<RunResult> =>
  machine.shell(`/opt/release/install.sh ${words} </dev/null`, { allowFailure: true, timeoutMs: 60_000 })

test('only what is missing is installed, without recommends, after one update', async () => {
  await takeAway('wg', 'conntrack')
  const { stdout, exitCode } = await install('hub --address 203.0.113.10')
  expect(exitCode).toBe(0)
  const [update, ...installs] = await asked()
  expect(update).toMatch(/^update /)
  expect(installs).toHaveLength(1)
  expect(installs[0]).toMatch(/^install --yes --no-install-recommends .* wireguard-tools conntrack$/)
  expect(stdout).toContain('homeward: installing wireguard-tools conntrack\n')
  expect(stdout).not.toContain('a long story')
})

test('where everything is there, apt is not asked at all', async () => {
  await install('hub')
  expect(await asked()).toEqual([''])
})

test('what apt said is shown when it failed, and the installer stops', async () => {
  await takeAway('wg')
  await machine.shell('touch /var/apt-broken')
  const { stderr, exitCode } = await install('hub')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('E: no room')
  expect(stderr).toContain('install.sh: installing wireguard-tools failed')
})

test('no log is left behind', async () => {
  const { stdout } = await machine.shell('ls /tmp')
  expect(stdout).toBe('')
})

test('a Node that is too old, and none newer to be had, is said with what to do', async () => {
  await takeAway('node')
  await machine.shell(`
printf '#!/bin/sh\\n[ "$1" = --version ] && echo v18.20.4 || exit 1\\n' > /usr/bin/node; chmod 755 /usr/bin/node
echo 18.20.4+dfsg-1~deb12u1 > /var/candidate`)
  const { stderr, exitCode } = await install('hub')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('homeward needs Node.js 20.19 or newer')
  expect(stderr).toContain('here is v18.20.4, and apt offers 18.20.4')
  expect(stderr).toContain('NodeSource')
})

test('a Node that is too old is replaced where apt has a newer one', async () => {
  await takeAway('node')
  await machine.shell('echo 20.19.2+dfsg-1 > /var/candidate')
  const { exitCode } = await install('hub')
  expect(exitCode).toBe(0)
  expect((await asked()).at(-1)).toMatch(/ nodejs$/)
})

test('a Node in somebody’s home folder is not for services', async () => {
  await takeAway('node')
  await machine.shell(`
mkdir -p /root/.nvm
cp /var/kept/node /root/.nvm/node
echo 18.20.4 > /var/candidate`)
  const { stderr, exitCode } = await machine.shell('PATH=/root/.nvm:$PATH /opt/release/install.sh hub', {
    allowFailure: true,
  })
  expect(exitCode).toBe(1)
  expect(stderr).toContain('where every user may run it')
})

test('without root it starts itself again with sudo, which may not ask in a pipe', async () => {
  await machine.shell(`
cat > /usr/local/bin/sudo <<'SH'
#!/bin/sh
echo "sudo $*"
SH
chmod 755 /usr/local/bin/sudo`)
  const { stdout } = await machine.shell(
    'setpriv --reuid 65534 --clear-groups env PATH=/opt/nvm/bin:/usr/local/bin:/usr/bin /opt/release/install.sh home TOKEN --lan 10.0.0.0/24',
  )
  expect(stdout.trim()).toBe(
    'sudo -n env PATH=/opt/nvm/bin:/usr/local/bin:/usr/bin bash /opt/release/install.sh home TOKEN --lan 10.0.0.0/24',
  )
})

test('without root and without sudo it says so', async () => {
  await machine.shell('rm -f /usr/local/bin/sudo')
  const { stderr, exitCode } = await machine.shell(
    'setpriv --reuid 65534 --clear-groups /opt/release/install.sh demo',
    {
      allowFailure: true,
    },
  )
  expect(exitCode).toBe(1)
  expect(stderr).toContain('this needs root')
})
