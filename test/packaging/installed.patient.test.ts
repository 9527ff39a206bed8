import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { tryCommand } from '../../system/process/run-command.ts'
import { isLong } from '../long.ts'
import { type CleanRoot, cleanRoot } from './clean-root.ts'
import { plant, shellIn } from './planted.ts'
import { makeKey } from './verifying.ts'

const HOUR = 3_600_000
const NAME = 'homeward-0.0.7-linux-amd64'
const DEB = 'homeward_0.0.7_amd64.deb'

/** Both forms of a release with a Node, on systems that have none. In the long run only: they are downloaded. */
describe.runIf(isLong)('on a Debian with nothing on it', { timeout: HOUR }, () => {
  let folder: string
  let root: CleanRoot | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-installed-'))
    const place = join(folder, 'checkout')
    const key = await makeKey(folder, 'key')
    await plant(place, key.line)
    await symlink(join(process.cwd(), 'node_modules'), join(place, 'node_modules'))
    await shellIn(place, `npm run --silent package -- --only amd64 --key '${key.path}'`)
    await shellIn(place, `tar -xf release/${NAME}.tar.gz -C '${folder}'; cp release/*.deb '${folder}'`)
    await rm(place, { recursive: true })
  }, HOUR)
  afterAll(() => rm(folder, { recursive: true, force: true }))
  afterEach(() => root?.end())

  const run = async (script: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await root!.shell(script)
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0)
    return stdout
  }

  describe.each(['bookworm', 'trixie'] as const)('%s', (release) => {
    test('the tarball becomes a hub, and what is purged is as it never was', async () => {
      root = await cleanRoot(release)
      await root.copyIn([join(folder, NAME)], '/opt')
      const before = await root.files()
      const said = await run(`
/opt/${NAME}/install.sh hub --address vps.example.org </dev/null
homeward --version
wg show hw0 >/dev/null
ls /etc/systemd/system/homeward-hub.service
! command -v node
/usr/local/lib/homeward/install.sh uninstall --purge </dev/null`)
      expect(said).toContain('\n0.0.7\n/etc/systemd/system/homeward-hub.service\n')
      expect(said).not.toContain('homeward: installing')
      expect(await root.files()).toEqual(before)
    })

    test('the package becomes a hub, and what is purged is as it never was', async () => {
      root = await cleanRoot(release)
      await root.copyIn([join(folder, DEB)], '/opt')
      const before = await root.files()
      const said = await run(`
apt-get install --yes --no-install-recommends /opt/${DEB} </dev/null
homeward --version
homeward hub init --address vps.example.org --yes
homeward hand-over
stat -c '%U %a' /etc/homeward /etc/homeward/hub.yaml /var/lib/homeward
ls /usr/lib/systemd/system/homeward*.service /etc/systemd/system/multi-user.target.wants/homeward*
! command -v node
apt-get purge --yes homeward </dev/null
ls /sys/class/net`)
      expect(said).toContain('\n0.0.7\n')
      expect(said).toContain('\nhomeward 700\nhomeward 600\nhomeward 700\n')
      expect(said).toContain('/etc/systemd/system/multi-user.target.wants/homeward-hub.service\n')
      expect(said.trim().split('\n').at(-1)).toBe('lo')
      expect(await root.files()).toEqual(before)
    })

    test('the package does not come beside what install.sh installed, nor the other way round', async () => {
      root = await cleanRoot(release)
      await root.copyIn([join(folder, DEB), join(folder, NAME)], '/opt')
      const installer = `/opt/${NAME}/install.sh`
      const { stderr } = await root.shell(`${installer} hub --address vps.example.org </dev/null; dpkg -i /opt/${DEB}`)
      expect(stderr).toContain('homeward was installed here by install.sh')
      await run(`${installer} uninstall </dev/null; dpkg -i /opt/${DEB}; homeward hub status --json >/dev/null || true`)
      expect((await root.shell(`${installer} upgrade`)).stderr).toContain('installed here as a package of the system')
    })
  })

  test('lintian has nothing to say about the package', async () => {
    const { stdout, exitCode } = await tryCommand('lintian', [join(folder, DEB)], { timeoutMs: HOUR })
    // It says so of whoever is root.
    expect(stdout.replace(/^running with root .*\n/, '')).toBe('')
    expect(exitCode).toBe(0)
  })
})
