import { readFile } from 'node:fs/promises'
import { type Pin, pinOf, PINS, pinsOf } from '../../packaging/node/pins.ts'

const OTHERS = 'test/nodes/pinned-nodes'

/** Every Node that homeward is promised to run on, one of each line, the oldest first. @param name of its package. */
export async function promisedNodes(name: string): Promise<readonly Pin[]> {
  const [others, own] = await Promise.all([readFile(OTHERS, 'utf8'), readFile(PINS, 'utf8')])
  return [...pinsOf(others, name), pinOf(own, name)]
}
