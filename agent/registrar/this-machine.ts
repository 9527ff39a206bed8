import { createHmac } from 'node:crypto'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import type { SaidMachine } from '../../protocol/machine.ts'

/** The files that tell machines apart, all of which the service may read. @param root another one for tests. */
const PLACES = {
  /** Another one after each boot (random(4)). */
  boot: 'proc/sys/kernel/random/boot_id',
  /** One for each installation (machine-id(5)); a copied card has the same one. */
  installation: 'etc/machine-id',
  /** The serial number of a Pi and most ARM boards (devicetree specification 0.4, 3.2, `serial-number`). */
  board: 'sys/firmware/devicetree/base/serial-number',
  interfaces: 'sys/class/net',
} as const

/**
 * Which machine this is, for the hub to notice two of one identity; undefined where the kernel does not say. Shown are
 * HMACs alone: the machine id must not be exposed (machine-id(5)), and serial numbers are nobody's business.
 * @param secret the home's, by which the ids are keyed: another hub cannot compare them.
 */
export async function thisMachine(secret: string, root = '/'): Promise<SaidMachine | undefined> {
  const read = (place: string): Promise<string> =>
    readFile(join(root, place), 'utf8').then(
      (text) => text.replaceAll('\0', '').trim(),
      () => '',
    )
  const boot = await read(PLACES.boot)
  if (boot === '') return undefined
  const board = await read(PLACES.board)
  const hardware = board === '' ? await builtInAddresses(root, read) : [board]
  const idOf = (...parts: readonly string[]): string =>
    createHmac('sha256', secret).update(parts.join('\0')).digest('base64url').slice(0, 22)
  return {
    id: idOf('homeward machine', await read(PLACES.installation), ...hardware),
    boot: idOf('homeward boot', boot),
    name: hostname().slice(0, 64),
  }
}

/**
 * Addresses of network cards that are built in: as the hardware has them (`addr_assign_type` 0, sysfs-class-net), of a
 * device, and not on USB, where they come and go.
 */
async function builtInAddresses(root: string, read: (place: string) => Promise<string>): Promise<readonly string[]> {
  const names = await readdir(join(root, PLACES.interfaces)).catch(() => [])
  const addresses = await Promise.all(
    names.map(async (name) => {
      const place = join(PLACES.interfaces, name)
      const bus = basename(await readlink(join(root, place, 'device', 'subsystem')).catch(() => ''))
      if (bus === '' || bus === 'usb' || (await read(join(place, 'addr_assign_type'))) !== '0') return []
      return [await read(join(place, 'address'))]
    }),
  )
  return addresses.flat().sort()
}
