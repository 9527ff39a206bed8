import { expect, test } from 'vitest'
import { applyScript, revertScript } from '../../../../adapters/openwrt/change/change-script.ts'
import { HEED } from '../../../../adapters/openwrt/events/heed-script.ts'

/** dropbear ends the connection on a longer command. */
const MAX_CMD_LEN = 9_000

test('no script is longer than a command that dropbear takes, with as many tunnels as there may be', () => {
  const tunnels = Array.from({ length: 8 }, (_, index) => `fifteen_letter${index}`)
  const writer = JSON.stringify({
    boot: 'b'.repeat(36),
    pid: 4_194_304,
    startedAt: '1'.repeat(12),
    token: 't'.repeat(36),
    interface: tunnels[0],
    interfaces: tunnels,
  })
  for (const script of [
    applyScript(tunnels, 'a'.repeat(16), writer, 600, tunnels.length),
    revertScript(tunnels, 'a'.repeat(16)),
    HEED,
  ])
    expect(Buffer.byteLength(script)).toBeLessThan(MAX_CMD_LEN - 100)
})
