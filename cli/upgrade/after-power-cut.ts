import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asProblem } from '../../problems/problem.ts'
import type { Context } from '../context.ts'
import { problemText, tell } from '../output.ts'
import { settingsBack } from './settings-back.ts'

const WHY = 'the power went, or the upgrade was killed, before it had shown that it carries the tunnel'

/**
 * Where this program is the one that a package kept of the version before, and the trial of the new one was cut off, takes
 * back what that one wrote. Never throws: a service that starts is worth more.
 * @param program the file that runs. @param version of this homeward.
 */
export async function settingsAfterPowerCut(context: Context, program: string, version: string): Promise<void> {
  const kept = join(dirname(dirname(program)), 'kept')
  const trying = join(kept, 'trying')
  const newer = await readFile(trying, 'utf8').catch(() => null)
  if (newer === null) return
  try {
    await settingsBack(context, join(kept, 'settings'), { newer: newer.trim(), why: WHY }, version)
    await rm(trying)
  } catch (thrown) {
    tell(`homeward: ${problemText(asProblem(thrown, 'taking settings back'))}`)
  }
}
