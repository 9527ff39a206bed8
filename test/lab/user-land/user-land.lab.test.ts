import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Host } from '../host/host.ts'
import { createLab, type Lab } from '../lab.ts'
import { userLand } from './user-land.ts'

const land = userLand()

describe.runIf(land !== null)('a host with the programs of another Debian', () => {
  let lab: Lab
  let host: Host

  beforeAll(async () => {
    lab = await createLab()
    ;[host] = (await lab.addHosts([{ name: 'vps' }])) as [Host]
  })
  afterAll(() => lab.close())

  test('runs those, homeward among them, and its Node', async () => {
    expect((await host.shell('. /etc/os-release; echo $VERSION_CODENAME')).stdout.trim()).toBe(land?.release)
    const { stdout } = await host.shell(`nft --version; iptables --version; ip -V
dpkg-query --show --showformat '\${Package} \${Version}\\n' firewalld network-manager nodejs systemd ufw`)
    // What docs/publishing.md says that it was tried with.
    for (const version of [
      'nftables v1.1.3',
      'iptables v1.8.11 (nf_tables)',
      'iproute2-6.15',
      'firewalld 2.3.1',
      'network-manager 1.52',
      'nodejs 20.19',
      'systemd 257',
      'ufw 0.36.2',
    ])
      expect(stdout).toContain(version)
    expect((await host.homeward(['--version'])).stdout).toMatch(/^\d+\.\d+/)
    expect((await host.run(process.execPath, ['-p', 'process.version'])).stdout).toMatch(/^v20\.19/)
  })

  test('keeps what it writes to itself, until it is switched off, and its disk beyond that', async () => {
    await host.shell(`echo changed > /etc/changed; echo kept > ${host.disk.configDir}/kept`)
    await expect(access(join(land?.root ?? '', 'etc/changed'))).rejects.toThrow('ENOENT')
    await lab.reboot(host)
    expect((await host.shell('ls /etc/changed 2>&1 || true')).stdout).toContain('No such file')
    expect((await host.shell(`cat ${host.disk.configDir}/kept`)).stdout.trim()).toBe('kept')
    expect((await host.shell('. /etc/os-release; echo $VERSION_CODENAME')).stdout.trim()).toBe(land?.release)
  })
})
