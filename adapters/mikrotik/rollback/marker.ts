import { randomUUID } from 'node:crypto'
import { Trap } from '../api/trap.ts'
import { isGone } from '../objects/change.ts'
import { markOf } from '../objects/mark.ts'
import type { Place } from '../objects/place.ts'
import { quote } from './undo-script.ts'

const LISTS = '/ip/firewall/address-list'

/** A list that no rule names, and an address of documentation (RFC 5737). */
const LIST = 'homeward-undo'
const ADDRESS = '192.0.2.1'

/** How much longer than the script waits its marker is there. */
const LONGER_SECONDS = 60

/**
 * Has an undo script ask for a marker before it does anything. Who starts a script may be killed before its number is
 * written down, and a journal may be lost with its card: without its marker such a script does nothing. An entry with a
 * timeout is in the router's memory alone and goes by itself (manual, Address-lists).
 * @returns the script as it was where the router takes no marker.
 */
export async function guarded(interfaceName: string, seconds: number, script: string, place: Place): Promise<string> {
  const comment = `${prefixOf(interfaceName)}${randomUUID()}`
  const attributes = { list: LIST, address: ADDRESS, timeout: `${seconds + LONGER_SECONDS}s`, comment }
  try {
    // The same address stands in a list once.
    await removeMarkers([interfaceName], place)
    await place.exec({ command: `${LISTS}/add`, attributes }, place.signal)
  } catch (thrown) {
    if (!(thrown instanceof Trap)) throw thrown
    return script
  }
  return `:if ([:len [${LISTS}/find where comment=${quote(comment)}]] != 0) do={\n${script}\n}`
}

/** Takes tunnels' markers away: no script of an earlier change undoes anything any more. */
export async function removeMarkers(tunnels: readonly string[], { exec, signal }: Place): Promise<void> {
  const attributes = { '.proplist': '.id,comment' }
  try {
    const { rows } = await exec({ command: `${LISTS}/print`, attributes, queries: [`?list=${LIST}`] }, signal)
    for (const { '.id': id = '', comment = '' } of rows)
      if (tunnels.some((name) => comment.startsWith(prefixOf(name))))
        await exec({ command: `${LISTS}/remove`, attributes: { '.id': id } }, signal).catch((thrown: unknown) => {
          // Its time was over this very moment.
          if (!isGone(thrown)) throw thrown
        })
  } catch (thrown) {
    // A user who may not, or a router that has no such menu: then it has no markers of ours either.
    if (!(thrown instanceof Trap)) throw thrown
  }
}

function prefixOf(interfaceName: string): string {
  return `${markOf(interfaceName)} undo `
}
