import { expect, test } from 'vitest'
import { lacksFeature, notInstalled } from '../../../system/process/tool-package.ts'

test.each([
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['wg', 'wireguard-tools'],
])('where %s is not installed the package is named', (file, name) => {
  expect(notInstalled(file, null)).toMatchObject({ code: 'tool-missing', next: expect.stringContaining(` ${name}`) })
})

test.each([
  // Debian 12's busybox 1.35, which prints its usage; Alpine's.
  [
    'ip',
    'BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.\n\nUsage: ip [OPTIONS] address|route',
    'iproute2',
  ],
  ['ip', 'ip: unrecognized option: j\nBusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.', 'iproute2'],
  ['nft', 'Error: JSON support not compiled-in\nlist ruleset\n^^^^', 'nftables'],
])('a %s that can do too little is told with the package that helps', (file, stderr, name) => {
  const problem = lacksFeature(file, stderr)
  expect(problem?.code).toBe('tool-missing')
  expect(problem?.next).toContain(name)
})

test.each([
  ['ip', 'Cannot find device "hw0"'],
  ['nft', 'BusyBox v1.35.0'],
  ['cat', 'JSON support not compiled-in'],
])('what %s says else is something else: %s', (file, stderr) => {
  expect(lacksFeature(file, stderr)).toBeNull()
})
