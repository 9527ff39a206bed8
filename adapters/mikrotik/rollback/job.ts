import { isGone } from '../objects/change.ts'
import type { Place } from '../objects/place.ts'

const JOBS = '/system/script/job'

/**
 * Starts a script on the router that goes on whatever becomes of us (`/execute`; lost when the router restarts).
 * @returns the `.id` of its job; null when it is not running: already at an end, or refused without a word.
 */
export async function startJob(script: string, place: Place): Promise<string | null> {
  const { ret } = await place.exec({ command: '/execute', attributes: { script } }, place.signal)
  return ret !== null && (await isRunning(ret, place)) ? ret : null
}

export async function isRunning(id: string, { exec, signal }: Place): Promise<boolean> {
  const { rows } = await exec({ command: `${JOBS}/print`, attributes: { '.proplist': '.id' } }, signal)
  return rows.some((row) => row['.id'] === id)
}

/** Stops a job. @returns whether it was still running. */
export async function stopJob(id: string, { exec, signal }: Place): Promise<boolean> {
  try {
    await exec({ command: `${JOBS}/remove`, attributes: { '.id': id } }, signal)
    return true
  } catch (thrown) {
    if (isGone(thrown)) return false
    throw thrown
  }
}
