import { ALL_BITS, hex } from '../../marks.ts'
import type { ForeignMark } from '../../observation.ts'

/**
 * A slot tells the connections of one tunnel's visitors from those of another's: a mark of connections and packets, a
 * routing table, and two places among the router's policy rules. One byte of a mark is ours, and others' bits live beside
 * it.
 */

/**
 * The bytes that can be ours, by the number of bits below them, best first. mwan3's marks are 0x3f00 (mmx_mask) and pbr's
 * 0x00ff0000 (fw_mask) unless their owner changed that, and what people write by hand is low.
 */
const BYTES = [24, 16, 0, 8] as const
/** Slots in each byte; far more than one router has tunnels. */
const SLOTS_A_BYTE = 8
const FIRST_VALUE = 0x86
/** busybox's `ip` shows no table above 255; mwan3 numbers its own from 1, and 253 to 255 are the kernel's. */
const FIRST_TABLE = 186
/** Before mwan3's rules (from 1001 on), netifd's own (10000) and pbr's (30000), which would take our packets too. */
const FIRST_PRIORITY = 861

export const SLOTS: readonly number[] = Array.from({ length: BYTES.length * SLOTS_A_BYTE }, (_, slot) => slot)

export interface Slot {
  readonly mark: number
  readonly mask: number
  /** The routing table, as text. */
  readonly table: string
  /** Of the rule that leads into the table, as text. */
  readonly priority: string
  /** Of the rule after it: without a way into the tunnel there is none. */
  readonly lastPriority: string
}

export function slotOf(slot: number): Slot {
  const bits = BYTES[Math.floor(slot / SLOTS_A_BYTE)] ?? BYTES[0]
  return {
    // Unsigned: JavaScript shifts signed numbers of 32 bits.
    mark: ((FIRST_VALUE + (slot % SLOTS_A_BYTE)) << bits) >>> 0,
    mask: (0xff << bits) >>> 0,
    table: String(FIRST_TABLE + slot),
    priority: String(FIRST_PRIORITY + 2 * slot),
    lastPriority: String(FIRST_PRIORITY + 2 * slot + 1),
  }
}

/** The mark with its mask as uci and `ip rule` write it, e.g. `0x86000000/0xff000000`. */
export function markText(slot: number): string {
  const { mark, mask } = slotOf(slot)
  return `${hex(mark)}/${hex(mask)}`
}

/**
 * Somebody else's mark in the slot's byte; null: none. A mask of all bits, or one that busybox does not show, hinders only
 * where its value is ours: no byte is free of it.
 */
export function markCollision(slot: number, foreign: readonly ForeignMark[]): ForeignMark | null {
  const own = slotOf(slot)
  const collides = ({ value, mask }: ForeignMark): boolean =>
    mask === ALL_BITS ? value !== null && (value & own.mask) >>> 0 === own.mark : (mask & own.mask) !== 0
  return foreign.find(collides) ?? null
}

/**
 * A slot for each tunnel: the one that it has, as long as its byte is free, else the first free one; without a free byte
 * the first of all. Pure.
 * @param held the slots that tunnels have.
 */
export function chooseSlots(
  tunnels: readonly string[],
  held: ReadonlyMap<string, number>,
  foreign: readonly ForeignMark[],
): ReadonlyMap<string, number> {
  const free = SLOTS.filter((slot) => markCollision(slot, foreign) === null)
  const slots = free.length === 0 ? SLOTS : free
  const chosen = new Map<string, number>()
  for (const name of tunnels) {
    const slot = held.get(name)
    if (slot !== undefined && slots.includes(slot) && ![...chosen.values()].includes(slot)) chosen.set(name, slot)
  }
  for (const name of tunnels) {
    if (chosen.has(name)) continue
    const taken = [...chosen.values()]
    chosen.set(name, slots.find((slot) => !taken.includes(slot)) ?? SLOTS[0] ?? 0)
  }
  return chosen
}
