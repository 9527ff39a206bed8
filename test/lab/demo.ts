import { styleText } from 'node:util'
import { sleep } from '../../system/time/sleep.ts'
import { tellStory } from './demo-story.ts'
import { createLab, type Lab } from './lab.ts'
import { whatIsMissing } from './host/tools.ts'

/** `./install.sh demo [--keep]`: the whole picture on this machine, with the real hub and agent, and nothing left afterwards. */
const TOO_LONG_MS = 200_000

const options = process.argv.slice(2)
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())
process.exitCode = await demo(options)

/** @returns the exit status of install.sh's contract: 0 shown, 1 failed, 64 called wrongly. */
async function demo(given: readonly string[]): Promise<number> {
  const unknown = given.find((option) => option !== '--keep')
  if (unknown !== undefined) return fail(`I do not know ${unknown}. The demo takes --keep, or nothing.`, 64)
  const missing = await whatIsMissing()
  if (missing.length > 0) return fail(`this machine cannot run the demo:\n  - ${missing.join('\n  - ')}`)

  const lab = await createLab()
  try {
    return await show(lab, given.includes('--keep'))
  } catch (thrown) {
    return fail(thrown instanceof Error ? thrown.message : String(thrown))
  } finally {
    await lab.close()
  }
}

async function show(lab: Lab, keep: boolean): Promise<number> {
  const late = setTimeout(() => stopped.abort(), TOO_LONG_MS)
  const started = performance.now()
  try {
    await tellStory(lab, stopped.signal)
  } catch (thrown) {
    if (!stopped.signal.aborted) throw thrown
    const seconds = (performance.now() - started) / 1000
    return fail(`the demo was stopped after ${seconds.toFixed(0)} s, before its end. Everything it made is gone.`)
  } finally {
    clearTimeout(late)
  }
  if (keep) await stayUp(lab)
  else console.log(styleText('dim', '\n  Nothing of it is left. With --keep it stays up for looking around.'))
  return 0
}

async function stayUp(lab: Lab): Promise<void> {
  console.log('\n  It stays up until Ctrl-C. Look around, as root, on')
  for (const { name, pid, disk } of lab.hosts.values()) {
    const folders = `HOMEWARD_CONFIG_DIR=${disk.configDir} HOMEWARD_STATE_DIR=${disk.stateDir}`
    console.log(`    ${name.padEnd(9)} nsenter -t ${pid} -n -m -p -u env ${folders} sh`)
  }
  console.log(`  There, the command is: node ${process.argv[1]?.replace(/demo\.js$/, 'homeward.js')}`)
  while (!stopped.signal.aborted) await sleep(3_600_000, stopped.signal)
  console.log('\n  Closed; nothing of it is left.')
}

function fail(sentence: string, status = 1): number {
  console.error(`${styleText('red', 'demo failed:')} ${sentence}`)
  return status
}
