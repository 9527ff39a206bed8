import { readdirSync, readlinkSync } from 'node:fs'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../../system/time/sleep.ts'
import { type FlashLoss, makeFlash } from './flash.ts'
import { endProcess } from './processes.ts'
import { ASK, MEETING } from './small-root.ts'

/** When the power goes, and what of the flash goes with it. */
export interface PowerCut {
  /** After so many programs that may change something; its answer is not heard. */
  readonly after: number
  readonly loses: FlashLoss
}

/** Programs of busybox that change files; those of OpenWrt all ask the simulator. */
const WRITERS = ['cp', 'dd', 'mv', 'rm', 'sed']
/** The stand-in by which they tell. */
export const TELLING = 'tell-power'

/** How long what was killed may take to be gone; a zombie has no root, and is not seen (proc(5)). */
const MOST_ENDING_MS = 10_000

/** Counts programs to a cut of the power. */
export interface Power {
  readonly begin: (cut: PowerCut) => Promise<void>
  /** A program has ended. @returns what is lost now; null: the power stays. */
  readonly ran: (name: string, args: readonly string[]) => FlashLoss | null
  /** How many have ended since it began. */
  readonly count: () => number
  /** Everything that runs ends, and what is in RAM is gone. */
  readonly off: (loses: FlashLoss) => Promise<void>
}

export function makePower(root: string): Power {
  const flash = makeFlash(join(root, 'etc'))
  let next: PowerCut | null = null
  let count = 0

  /** They tell only while anybody counts: each costs two programs more then. */
  async function setTelling(isTold: boolean): Promise<void> {
    for (const name of WRITERS) {
      const path = join(root, 'bin', name)
      await rm(path, { force: true })
      if (isTold) await writeFile(path, telling(`/bin/busybox ${name} "$@"`, name), { mode: 0o755 })
      else await symlink('busybox', path)
    }
    await writeFile(join(root, 'bin/sync'), isTold ? telling(':', 'sync') : '#!/bin/ash\n', { mode: 0o755 })
    await writeFile(join(root, 'sbin', TELLING), ASK, { mode: 0o755 })
  }

  return {
    begin: async (cut) => {
      await setTelling(true)
      flash.sync()
      count = 0
      next = cut
    },
    ran: (name, args) => {
      if (next === null) return null
      if (name === TELLING && args[0] === 'sync') flash.sync()
      count += 1
      if (count < next.after) return null
      const { loses } = next
      next = null
      return loses
    },
    count: () => count,
    off: async (loses) => {
      next = null
      const until = performance.now() + MOST_ENDING_MS
      for (let left = processesIn(root); left.length > 0; left = processesIn(root)) {
        if (performance.now() > until) throw new Error(`without power there still run the processes ${left.join(', ')}`)
        for (const pid of left) endProcess(pid)
        await sleep(10)
      }
      await setTelling(false)
      flash.lose(loses)
      await forgetRam(root)
    },
  }
}

function telling(command: string, name: string): string {
  return `#!/bin/ash\n${command}\ncode=$?\n/sbin/${TELLING} ${name}\nexit $code\n`
}

/** By the root that they see (proc(5)). */
function processesIn(root: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/root`) === root
      } catch {
        return false
      }
    })
    .map(Number)
}

/** /tmp, of which /var is a part; not where programs meet the simulator, nor what is mounted there. */
async function forgetRam(root: string): Promise<void> {
  const kept = new Set(['run', 'run/wireguard', MEETING.replace('/tmp/', '')])
  for (const folder of ['', 'run'])
    for (const name of readdirSync(join(root, 'tmp', folder))) {
      const path = join(folder, name)
      if (!kept.has(path)) await rm(join(root, 'tmp', path), { recursive: true, force: true })
    }
  for (const folder of ['lock', 'wireguard', 'log']) await mkdir(join(root, 'tmp', folder), { recursive: true })
}
