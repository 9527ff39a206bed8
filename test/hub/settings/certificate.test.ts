import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fingerprintOf, makeCertificate } from '../../../hub/settings/certificate.ts'
import { runCommand } from '../../../system/process/run-command.ts'

test('openssl reads and verifies it: from 1970 without an end, with every address of the hub', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-certificate-'))
  try {
    const path = join(folder, 'tls.crt')
    await writeFile(
      path,
      makeCertificate(['vps.example.org', '203.0.113.10', '2001:db8::10', 'fe80::1%br-lan']).certificate,
    )
    const { stdout } = await runCommand('openssl', ['x509', '-in', path, '-noout', '-text'])
    expect(stdout).toContain('Not Before: Jan  1 00:00:00 1970 GMT')
    expect(stdout).toContain('Not After : Dec 31 23:59:59 9999 GMT')
    expect(stdout).toContain(
      'DNS:vps.example.org, IP Address:203.0.113.10, IP Address:2001:DB8:0:0:0:0:0:10, IP Address:FE80:0:0:0:0:0:0:1',
    )
    expect(stdout).toContain('CA:FALSE')
    const verified = await runCommand('openssl', ['verify', '-x509_strict', '-partial_chain', '-CAfile', path, path])
    expect(verified.stdout).toContain('OK')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('no two are alike, and the pin is the SHA-256 of the whole', () => {
  const [one, other] = [makeCertificate(['203.0.113.10']), makeCertificate(['203.0.113.10'])]
  const parsed = new X509Certificate(one.certificate)
  expect(fingerprintOf(one.certificate)).toBe(parsed.fingerprint256.replaceAll(':', '').toLowerCase())
  expect(fingerprintOf(one.certificate)).not.toBe(fingerprintOf(other.certificate))
  expect(parsed.serialNumber).not.toBe(new X509Certificate(other.certificate).serialNumber)
  expect(parsed.verify(parsed.publicKey)).toBe(true)
})
