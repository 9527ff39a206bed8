import { Problem } from '../../problems/problem.ts'
import { UPGRADE } from '../../problems/upgrade.ts'
import type { AddDeviceAnswer } from '../../protocol/messages.ts'

/**
 * Refuses the answer of a hub that took a device and overlooked that it is for some services alone.
 * @param wanted how many those are; null: the device is for all.
 * @throws {Problem} `answer-invalid`; the device is the hub's still.
 */
export function refuseUnkept({ name, services }: AddDeviceAnswer, wanted: number | null): void {
  if (wanted === null || services === wanted) return
  throw new Problem('answer-invalid', {
    what: `adding the device ${name}`,
    why: 'the hub is of an older version and would let the device into the whole LAN, so that it was removed again',
    next: `Upgrade homeward on the hub: ${UPGRADE}`,
  })
}
