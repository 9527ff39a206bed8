import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CHANGED_BACK } from '../../../../adapters/openwrt/change/changed-back.ts'

const OWNERS = `# made by hand
config interface 'lan'
	option ipaddr '192.168.1.1'
`
const OURS = `
config interface 'hw0'
	option proto 'wireguard'
	option homeward '1'
	option mtu '1420'

config wireguard_hw0 'homeward_hw0_p0a'
	list allowed_ips '10.86.0.0/16'

config wireguard_hw0
	option public_key 'x'

config route 'homeward_hw0_r0a'
	option target '10.99.0.0/16'
`

test('our sections are as they were before, and others’ as they are now, to the letter', () => {
  const now = `${OWNERS}	option netmask '255.255.0.0'   # wider
${OURS.replace('1420', '1300')}
# a comment after ours
  config   "rule"   homeward_hw0_new
	option x 'y'
config interface "guest"
	option proto 'static'
`
  expect(changedBack(OWNERS, now)).toBe(`${OWNERS}	option netmask '255.255.0.0'   # wider

# a comment after ours
config interface "guest"
	option proto 'static'
#end
`)
  const back = changedBack(`${OWNERS}${OURS}`, now)
  expect(back).toContain("option mtu '1420'")
  expect(back).not.toContain('1300')
  expect(back).not.toContain('homeward_hw0_new')
  expect(back.match(/config wireguard_hw0/g)).toHaveLength(2)
  expect(back).toContain('config interface "guest"')
})

test('back and forth leaves no empty line behind', () => {
  const canonical = `\n${OWNERS}${OURS}\n`
  expect(changedBack(`\n${OWNERS}\n`, changedBack(canonical, `\n${OWNERS}`).replace('#end\n', ''))).toBe(
    `\n${OWNERS}#end\n`,
  )
})

test('what only looks like ours stays: an interface without the mark, its peers, an option in another section', () => {
  const now = `
config interface 'hw1'
	option proto 'wireguard'

config wireguard_hw1 'peer'
	option public_key 'x'

config rule 'homeward'
	option homeward '1'
`
  expect(changedBack(OWNERS, now)).toBe(`${now}#end\n`)
})

/** As the router's shell does it. */
function changedBack(before: string, now: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'homeward-changed-back-'))
  try {
    writeFileSync(join(folder, 'before'), before)
    writeFileSync(join(folder, 'now'), now)
    return execFileSync('sh', ['-c', `${CHANGED_BACK}\nchangedback before now`], { cwd: folder, encoding: 'utf8' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
