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

async function keys(verb: 'give' | 'again' | 'take'): Promise<string> {
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

const FILE = '/etc/dropbear/authorized_keys'
const bytes = (): Promise<string> => machine.router.console(`cat ${FILE}; ls -l ${FILE} | cut -c1-10`)

test('a file without an end of its last line, and with rights of its owner’s, is so again when our key was taken away', async () => {
  await machine.router.console(
    `rm -f /overlay/filler; l=$(cat ${FILE}); printf %s "# mine\n$l" > ${FILE}; chmod 640 ${FILE}`,
  )
  const before = await bytes()
  expect(before).toMatch(/^# mine\n.* homeward-rw-r-----\n$/s)
  expect(await keys('give')).toBe('done')
  expect(await bytes()).not.toBe(before)
  expect(await keys('take')).toBe('done')
  expect(await bytes()).toBe(before)
})

test('our key is known with options that its owner put before it: not given a second time, and taken away', async () => {
  const before = await bytes()
  expect(await keys('give')).toBe('done')
  await machine.router.console(`sed -i '$s/^/no-port-forwarding /' ${FILE}`)
  const limited = await bytes()
  expect(limited).toContain('no-port-forwarding ssh-ed25519 ')
  expect(await keys('again')).toBe('done')
  expect(await bytes()).toBe(limited)
  expect(await keys('take')).toBe('done')
  expect((await bytes()).replace('-rw-r-----', '')).toBe(before.replace('-rw-r-----', ''))
})
