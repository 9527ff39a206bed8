/**
 * What being watched costs an OpenWrt router while all is calm: the CPU of its SSH sessions and of all that they start, a
 * minute. `--minutes N` (5 unless said otherwise). Beside it what the looks of a minute cost where the router tells nothing,
 * and what it costs this very router to start a program: a small router is slower by the same factor in all of it, and the
 * start of a program takes it some 7 ms. And what the shell that stays there costs as MIPS code, by qemu.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf } from '../problems/problem.ts'
import { setTimeout as wait } from 'node:timers/promises'
import { routerKeyPath } from '../agent/secrets/router-login.ts'
import { inviteHome, startAgent, startHub } from '../test/agent/lab-home.ts'
import { bundleFor } from '../test/lab/host/bundle.ts'
import { createLab } from '../test/lab/lab.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../test/lab/places/openwrt.ts'
import { buildPicture } from '../test/lab/picture.ts'
import { report } from './report.ts'
import { mipsCost } from './router-mips.ts'
import type { RouterPlace } from './router-looks.ts'

/** proc_pid_stat(5): sysconf(_SC_CLK_TCK) is 100 on Linux wherever homeward runs. */
const MS_PER_TICK = 10
/** The agent's looks are rare from then on. */
const CALM_AFTER_MS = 60_000
const LOOKED_MINUTES = 5
/** How many starts a calm minute may cost: at 7 ms each a fifth of a second. */
const MOST_STARTS = 28
const MOST_MS = 200
const minutes = Number(/--minutes[ =](\d+)/.exec(process.argv.join(' '))?.[1] ?? 5)

const lab = await createLab()
try {
  const program = await bundleFor(lab.folder, new URL('./router-looks.ts', import.meta.url))
  const router = await labOpenwrt(lab)
  const picture = await buildPicture(lab, { system: router })
  const { pi, lan } = picture.home
  await startHub(picture)
  const options = [...(await openwrtJoinOptions(router, picture.home)), '--yes']
  await pi.homeward(['join', await inviteHome(picture), ...options])
  const agent = await startAgent(pi)
  await wait(CALM_AFTER_MS)
  const before = { ticks: await router.sessionTicks(), looks: await router.looks() }
  await wait(minutes * 60_000)
  const told = ((await router.sessionTicks()) - before.ticks) * MS_PER_TICK
  const looks = (await router.looks()) - before.looks
  await agent.stop()

  const place: RouterPlace = {
    host: lan.router,
    port: 22,
    user: 'root',
    hostKey: { type: 'ssh-ed25519', sha256: router.hostKey },
  }
  const file = join(pi.disk.path, 'router-looks.json')
  await writeFile(file, JSON.stringify(place))
  const looking = pi.start(process.execPath, [program, file, routerKeyPath(pi.disk.configDir), String(LOOKED_MINUTES)])
  await looking.waitForLine(/^ready$/)
  const ticks = await router.sessionTicks()
  looking.write('look\n')
  await looking.waitForLine(/^looked$/, { timeoutMs: 300_000 })
  const asked = ((await router.sessionTicks()) - ticks) * MS_PER_TICK
  looking.write('end\n')

  const startMs = await startCost(router)
  const mips = await mipsCost(lab.folder, minutes).catch(reasonOf)
  const [toldMinute, askedMinute] = [told / minutes, asked / LOOKED_MINUTES]
  report(`a calm OpenWrt router, ${minutes} minutes`, [
    {
      what: 'CPU a minute, of what heeds it and looks at it',
      measured: `${toldMinute.toFixed(0)} ms, ${(toldMinute / startMs).toFixed(0)} starts of a program (${(looks / minutes).toFixed(1)} looks)`,
      yardstick: `${startMs.toFixed(2)} ms a start`,
      reach: `≤ ${MOST_STARTS} starts`,
      met: toldMinute <= MOST_STARTS * startMs && looks > 0,
    },
    {
      what: 'the same where it tells nothing, and is looked at each 8 s',
      measured: `${askedMinute.toFixed(0)} ms, ${(askedMinute / startMs).toFixed(0)} starts`,
      yardstick: `${(askedMinute / toldMinute).toFixed(1)} times as much`,
      reach: '≥ 4 times',
      met: askedMinute >= 4 * toldMinute,
    },
    typeof mips === 'string'
      ? { what: 'as MIPS code, by qemu', measured: `not measured: ${mips}`, yardstick: '', reach: '', met: true }
      : {
          what: 'the shell that heeds it and one look a minute, as MIPS code by qemu; no SSH',
          measured: `${mips.minuteMs.toFixed(0)} ms, ${(mips.minuteMs / mips.startMs).toFixed(1)} starts of a program`,
          yardstick: `${mips.startMs.toFixed(1)} ms a start`,
          reach: `≤ ${MOST_MS} ms`,
          met: mips.minuteMs <= MOST_MS,
        },
  ])
} finally {
  await lab.close()
}

/** Milliseconds of CPU for one start of busybox, by the router's own shell. */
async function startCost({ console }: LabOpenwrt): Promise<number> {
  const starts = 500
  const said = await console(`i=0; while [ $i -lt ${starts} ]; do /bin/busybox true; i=$((i + 1)); done; times`)
  // The second line is of the shell's children: user and system (POSIX, times).
  const seconds = [...(said.trim().split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minute, second]) => sum + Number(minute) * 60 + Number(second),
    0,
  )
  return (seconds * 1_000) / starts
}
