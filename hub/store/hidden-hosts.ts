import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Log } from '../../system/process/log.ts'

/**
 * Hosts whose visitors are hidden though they should see their addresses, as `HOME ADDRESS`, kept over restarts: until a
 * host is measured again, which takes its home's next registration, it would answer visitors past the tunnel.
 */
export interface HiddenHosts {
  /** As they were at the start. */
  readonly known: readonly string[]
  /** Never throws. */
  readonly save: (hosts: readonly string[]) => Promise<void>
}

const HiddenHostsSchema = v.array(v.pipe(v.string(), v.maxLength(200)))

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openHiddenHosts(path: string, log: Log): Promise<HiddenHosts> {
  const known = (await readJsonFile(path, HiddenHostsSchema)) ?? []
  let writing = Promise.resolve()
  const write = async (hosts: readonly string[]): Promise<void> => {
    try {
      await writeFileAtomic(path, `${JSON.stringify(hosts)}\n`)
    } catch (thrown) {
      log.warn({ path, why: reasonOf(thrown) }, 'whose visitors are hidden could not be written down')
    }
  }
  return {
    known,
    // One after the other: the last that was said stays.
    save: (hosts) => (writing = writing.then(() => write(hosts))),
  }
}
