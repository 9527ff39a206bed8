import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readFirmware } from '../../../hub/outside/firmware.ts'
import { type Firmware, PROVIDERS, providerOf, stepsFor } from '../../../hub/outside/provider.ts'

const NOTHING: Firmware = { sysVendor: '', productName: '', biosVendor: '', chassisAssetTag: '' }

test.each<[string, Partial<Firmware>]>([
  ['AWS', { sysVendor: 'Amazon EC2', productName: 't4g.nano' }],
  ['AWS', { sysVendor: 'Xen', biosVendor: 'Amazon EC2' }],
  ['Google Cloud', { sysVendor: 'Google', productName: 'Google Compute Engine' }],
  ['Oracle Cloud', { sysVendor: 'QEMU', chassisAssetTag: 'OracleCloud.com' }],
  ['Microsoft Azure', { sysVendor: 'Microsoft Corporation', chassisAssetTag: '7783-7084-3265-9085-8269-3286-77' }],
  ['Hetzner Cloud', { sysVendor: 'Hetzner', productName: 'vServer' }],
  ['DigitalOcean', { sysVendor: 'DigitalOcean', productName: 'Droplet' }],
  ['Scaleway', { sysVendor: 'Scaleway' }],
  ['Vultr', { sysVendor: 'Vultr' }],
])('%s is known by %j', (name, firmware) => expect(providerOf({ ...NOTHING, ...firmware })?.name).toBe(name))

test.each<Partial<Firmware>>([
  {},
  { sysVendor: 'QEMU', productName: 'Standard PC (Q35 + ICH9, 2009)', biosVendor: 'SeaBIOS' },
  // Hyper-V at somebody’s own place is not Azure, nor a Chromebook Google’s cloud, nor OpenStack one provider.
  { sysVendor: 'Microsoft Corporation', productName: 'Virtual Machine', chassisAssetTag: '7783' },
  { sysVendor: 'Google', productName: 'Eve' },
  { sysVendor: 'OpenStack Foundation', productName: 'OpenStack Nova' },
])('%j is nobody’s that is known', (firmware) => expect(providerOf({ ...NOTHING, ...firmware })).toBeNull())

test('the firmware is read without its line ends, and what is not there is empty', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-dmi-'))
  try {
    await writeFile(join(folder, 'sys_vendor'), 'Hetzner\n')
    expect(await readFirmware(folder)).toEqual({ ...NOTHING, sysVendor: 'Hetzner' })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('each provider’s steps name UDP and TCP or that nothing is to be done, and the port', () => {
  for (const provider of PROVIDERS) {
    const text = stepsFor(provider, 51_821).join('\n')
    expect(text, provider.name).toMatch(/UDP/)
    expect(text, provider.name).toMatch(/TCP/)
    expect(text, provider.name).toContain('51821')
    expect(text, provider.name).not.toContain('PORT')
  }
})

test('docs/vps.md has the same steps, and the same manual', async () => {
  const page = await readFile('docs/vps.md', 'utf8')
  for (const provider of PROVIDERS) {
    const [, section = ''] = page.split(`### ${provider.name}\n`)
    for (const step of stepsFor(provider, 51_820)) expect(section.split('\n### ')[0]).toContain(`- ${step}`)
    expect(section.split('\n### ')[0]).toContain(provider.manual)
  }
})
