import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ORDER } from '../../../../adapters/openwrt/change/change-script.ts'

const LAN = "config interface 'lan'\n\toption proto 'static'\n\toption description 'homeward bound'\n"
const tunnel = (name: string): string =>
  `\nconfig interface '${name}'\n\toption proto 'wireguard'\n\toption homeward '1'\n`

test.each([
  ['a tunnel comes', LAN, `${LAN}${tunnel('hw0')}`, 'firewall network'],
  ['a tunnel changes', `${LAN}${tunnel('hw0')}`, `${LAN}${tunnel('hw0')}\toption mtu '1300'\n`, 'firewall network'],
  ['a second one comes', `${LAN}${tunnel('hw0')}`, `${LAN}${tunnel('hw0')}${tunnel('hw1')}`, 'firewall network'],
  ['one of two goes', `${LAN}${tunnel('hw0')}${tunnel('hw1')}`, `${LAN}${tunnel('hw1')}`, 'network firewall'],
  ['the last one goes', `${LAN}${tunnel('hw0')}`, LAN, 'network firewall'],
])('there is never a tunnel without its zone, when the power goes between two files: %s', (_, from, to, wanted) => {
  const folder = mkdtempSync(join(tmpdir(), 'homeward-order-'))
  try {
    for (const [name, network] of Object.entries({ from, to })) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'network'), network)
    }
    const said = execFileSync('sh', ['-c', `${ORDER}\norder from to`], { cwd: folder, encoding: 'utf8' })
    expect(said.trim()).toBe(wanted)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
