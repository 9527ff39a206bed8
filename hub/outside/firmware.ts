import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Firmware } from './provider.ts'

/** Reads what the firmware says of this machine. Empty where it says nothing, as in containers and on many ARM machines. */
export async function readFirmware(folder = '/sys/class/dmi/id'): Promise<Firmware> {
  const [sysVendor, productName, biosVendor, chassisAssetTag] = (await Promise.all(
    ['sys_vendor', 'product_name', 'bios_vendor', 'chassis_asset_tag'].map((name) =>
      readFile(join(folder, name), 'utf8').then(
        (text) => text.trim(),
        () => '',
      ),
    ),
  )) as [string, string, string, string]
  return { sysVendor, productName, biosVendor, chassisAssetTag }
}
