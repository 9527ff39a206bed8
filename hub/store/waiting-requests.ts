import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Log } from '../../system/process/log.ts'
import { RequestSchema, type WaitingRequest } from '../rights/requests.ts'

/** Wishes that wait for the hub's owner, kept over restarts: homes do not repeat all of them. */
export interface WaitingRequests {
  readonly current: readonly WaitingRequest[]
  /** Takes others. Never throws: one that could not be written down waits until the next restart. */
  readonly take: (requests: readonly WaitingRequest[]) => Promise<void>
}

/** @returns requests that are remembered by this process alone. */
export function unwrittenRequests(): WaitingRequests {
  let current: readonly WaitingRequest[] = []
  return {
    get current() {
      return current
    },
    take: async (requests) => {
      current = requests
    },
  }
}

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openWaitingRequests(path: string, log: Log): Promise<WaitingRequests> {
  let current: readonly WaitingRequest[] = (await readJsonFile(path, v.array(RequestSchema))) ?? []
  let writing = Promise.resolve()
  const write = async (): Promise<void> => {
    try {
      await writeFileAtomic(path, `${JSON.stringify(current)}\n`)
    } catch (thrown) {
      log.warn({ path, why: reasonOf(thrown) }, 'what homes ask of the hub’s owner could not be written down')
    }
  }
  return {
    get current() {
      return current
    },
    take: async (requests) => {
      current = requests
      // One after the other: the last that was said stays.
      await (writing = writing.then(write))
    },
  }
}
