import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenwrtMachine, startOpenwrtMachine } from '../../contract/openwrt/openwrt-machine.ts'
import { bundleFor } from '../../lab/host/bundle.ts'

let machine: OpenwrtMachine
let program: string
beforeAll(async () => {
  machine = await startOpenwrtMachine('24.10', { flashKib: 256 })
  program = await bundleFor(machine.pi.disk.path, new URL('./keys-program.ts', import.meta.url))
})
afterAll(() => machine?.close())

async function keys(verb: 'give' | 'take'): Promise<string> {
  const { configDir } = machine.pi.disk
  const args = [program, verb, join(configDir, 'line'), join(configDir, 'login.key'), machine.router.hostKey]
  return (await machine.pi.run(process.execPath, args, { timeoutMs: 90_000 })).stdout.trim()
}
const authorized = (): Promise<string> =>
  machine.router.console('cat /etc/dropbear/authorized_keys; ls -A /etc/dropbear /tmp')

/** To the last byte. */
const fill = (): Promise<string> =>
  machine.router.console('dd if=/dev/zero of=/overlay/filler bs=1k 2>/dev/null || true')

test('on a full flash no key is written in part, and the owner’s stay when ours is taken away', async () => {
  const before = await authorized()
  await fill()
  expect(await keys('give')).toMatch(/^router-flash-full: .*192\.168\.1\.1.* 0 KiB left for \/etc\/dropbear, and 8 KiB/)
  expect(await authorized()).toBe(before)

  await machine.router.console('rm /overlay/filler')
  expect(await keys('give')).toBe('done')
  expect(await authorized()).toMatch(/^ssh-ed25519 \S+ homeward\nssh-ed25519 \S+ homeward\n/)
  await fill()
  expect(await keys('take')).toBe('done')
  expect(await authorized()).toBe(before)
})
