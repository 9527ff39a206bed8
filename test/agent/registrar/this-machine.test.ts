import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as v from 'valibot'
import { thisMachine } from '../../../agent/registrar/this-machine.ts'
import { MachineSchema } from '../../../protocol/machine.ts'

/** A machine's files, as Linux shows them. */
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  await file('proc/sys/kernel/random/boot_id', `${BOOT}\n`)
  await file('etc/machine-id', `${INSTALLED}\n`)
})
afterEach(() => rm(root, { recursive: true }))

const BOOT = '6fd5a44b-35f4-4ad4-a9b9-6b9be13e1fe9'
const INSTALLED = '0123456789abcdef0123456789abcdef'
const SECRET = 'cabin.secret'

async function file(place: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, place)), { recursive: true })
  await writeFile(join(root, place), text)
}

async function card(name: string, address: string, bus: string | null, assigned = '0'): Promise<void> {
  await file(`sys/class/net/${name}/address`, `${address}\n`)
  await file(`sys/class/net/${name}/addr_assign_type`, `${assigned}\n`)
  if (bus === null) return
  await mkdir(join(root, 'sys/bus', bus), { recursive: true })
  await mkdir(join(root, `sys/class/net/${name}/device`), { recursive: true })
  await symlink(`../../../../bus/${bus}`, join(root, `sys/class/net/${name}/device/subsystem`))
}

const idsOf = async (secret = SECRET): Promise<readonly [string, string]> => {
  const { id, boot } = v.parse(MachineSchema, await thisMachine(secret, root))
  return [id, boot]
}

test('nothing of what it is made of can be read from it, and another home’s secret makes another', async () => {
  await file('sys/firmware/devicetree/base/serial-number', '10000000abcdef01\0')
  const said = await thisMachine(SECRET, root)
  expect(v.parse(MachineSchema, said).name).toBe(hostname().slice(0, 64))
  expect(JSON.stringify(said)).not.toMatch(/6fd5a44b|0123456789abcdef|abcdef01/)
  const [own, other] = [await idsOf(), await idsOf('cabin.another')]
  expect(own[0]).not.toBe(other[0])
  expect(own[1]).not.toBe(other[1])
  expect(await idsOf()).toEqual(own)
})

test('a boot changes the boot id alone', async () => {
  const [id, boot] = await idsOf()
  await file('proc/sys/kernel/random/boot_id', 'c8f2b1f6-0000-4000-8000-000000000000\n')
  const after = await idsOf()
  expect([after[0] === id, after[1] === boot]).toEqual([true, false])
})

test('a copied card in another machine has another id: by its serial number, else by its built-in network cards', async () => {
  await card('eth0', '02:00:00:00:00:01', 'pci')
  const [pc] = await idsOf()
  await file('sys/class/net/eth0/address', '02:00:00:00:00:02\n')
  const [otherPc] = await idsOf()
  await file('sys/firmware/devicetree/base/serial-number', '10000000abcdef01\0')
  const [pi] = await idsOf()
  await file('sys/firmware/devicetree/base/serial-number', '10000000abcdef02\0')
  const [otherPi] = await idsOf()
  expect(new Set([pc, otherPc, pi, otherPi]).size).toBe(4)
  // A Pi is told by its number: its cards may be on USB.
  await file('sys/class/net/eth0/address', '02:00:00:00:00:03\n')
  expect((await idsOf())[0]).toBe(otherPi)
})

test('what comes and goes is not counted: adapters on USB, interfaces of software, made-up addresses', async () => {
  await card('eth0', '02:00:00:00:00:01', 'pci')
  await card('eth1', '02:00:00:00:00:02', 'virtio')
  const [id] = await idsOf()
  await card('usb0', '02:00:00:00:00:09', 'usb')
  await card('veth7', '02:00:00:00:00:0a', null)
  await card('wlan0', '02:00:00:00:00:0b', 'pci', '1')
  expect((await idsOf())[0]).toBe(id)
})

test('a machine that says little has an id all the same, and one without a boot id says nothing', async () => {
  await rm(join(root, 'etc/machine-id'))
  expect((await idsOf())[0]).toMatch(/^[\w-]{22}$/)
  await rm(join(root, 'proc/sys/kernel/random/boot_id'))
  expect(await thisMachine(SECRET, root)).toBeUndefined()
  expect(v.is(MachineSchema, await thisMachine(SECRET))).toBe(true)
})
