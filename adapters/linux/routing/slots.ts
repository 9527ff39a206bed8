import { hex } from '../../marks.ts'

/**
 * A slot tells the connections of one tunnel's visitors from those of another's: a mark of connections and packets, and
 * a routing table. One byte of a mark is ours, so that others' marks live beside it; which byte depends on others.
 */

/** Slots in each byte; far more than one machine has tunnels. */
const SLOTS_A_BYTE = 16

/** The first value of the byte; it counts the slots from there on. */
const FIRST_VALUE = 0x86

/**
 * The bytes of a mark that can be ours, by the number of bits below them, best first. The first is that of every machine
 * so far. Of the others the highest is used least: 51820 of wg-quick and 0x4000, 0x8000 of Kubernetes are low.
 */
const BYTES = [16, 24, 8, 0] as const

export const SLOTS: readonly number[] = Array.from({ length: BYTES.length * SLOTS_A_BYTE }, (_, slot) => slot)

interface SlotMark {
  readonly mark: number
  readonly mask: number
}

export function slotMark(slot: number): SlotMark {
  const bits = BYTES[Math.floor(slot / SLOTS_A_BYTE)] ?? 0
  const value = FIRST_VALUE + (slot % SLOTS_A_BYTE)
  // Unsigned: JavaScript shifts signed numbers of 32 bits.
  return { mark: (value << bits) >>> 0, mask: (0xff << bits) >>> 0 }
}

/** The slot's mark and mask as text, e.g. `0x00860000/0x00ff0000`. */
export function slotMarkText(slot: number): string {
  const { mark, mask } = slotMark(slot)
  return `${hex(mark)}/${hex(mask)}`
}

/** The number of a slot's routing table. Not in /etc/iproute2/rt_tables. */
export function tableNumberOf(slot: number): string {
  // The table of exits has the number between the first and the others.
  return String(slot === 0 ? 8600 : 8601 + slot)
}

/** A routing table whose only route is the tunnel, for devices that go to the internet through a home. */
export const EXIT_TABLE = '8601'

/** Our routing tables. Every rule and route of them is ours: install.sh removes them without this program. */
export const ROUTING_TABLES: readonly string[] = [...SLOTS.map(tableNumberOf), EXIT_TABLE]
