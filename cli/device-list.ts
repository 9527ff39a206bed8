import { ageText } from './age.ts'
import type { Context } from './context.ts'
import { deviceSide } from './device-side.ts'
import { printFacts } from './output.ts'
import { table } from './table.ts'

/** `homeward device list`. */
export async function deviceList(context: Context): Promise<void> {
  const side = await deviceSide(context)
  const list = await side.list()
  printFacts(context, list, () => {
    if (list.devices.length === 0) return 'no devices yet: homeward device add NAME'
    const rows = list.devices.map(({ name, address, home, lastHandshakeSeconds, addedAt }) => [
      name,
      address,
      home ?? 'the hub',
      ageText(lastHandshakeSeconds),
      addedAt,
    ])
    return table([['DEVICE', 'ADDRESS', 'OF', 'HANDSHAKE', 'ADDED'], ...rows])
  })
}
