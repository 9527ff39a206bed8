import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import type { ScratchMachine } from '../scratch-machine.ts'
import { mainPid, until, untilUp, type VpsAndPi } from '../vps-and-pi.ts'
import { bootDebians, journalOf, RELEASES, secondsUntilWorks } from './machines.ts'

const CALM_MS = 180_000
const AGES_MS = Array.from({ length: 20 }, () => Math.round(Math.random() * 5_000))

/** In the long run only: both releases are downloaded. One story: each test goes on from the last. */
describe.runIf(isLong).each(RELEASES)(
  'the services on %s, booted by its own systemd',
  { timeout: 900_000 },
  (release) => {
    let machines: VpsAndPi
    let picture: Picture
    let both: readonly (readonly [ScratchMachine, string])[]

    beforeAll(async () => {
      machines = await bootDebians(release)
      picture = machines.picture
      both = [
        [machines.vps, 'homeward-hub'],
        [machines.pi, 'homeward'],
      ]
    }, 1_800_000)
    afterAll(() => machines.end())

    test('that systemd is process 1, and boots to the end', async () => {
      for (const [machine] of both) {
        const { stdout } = await machine.shell(
          '. /etc/os-release; echo $VERSION_CODENAME; cat /proc/1/comm; systemctl is-system-running || systemctl list-units --failed',
        )
        expect(stdout.trim().split('\n')).toEqual([release, 'systemd', 'running'])
      }
    })

    test('are exposed by 2.0 at most, and systemd understands every line of them', async () => {
      for (const [machine, service] of both) {
        const { stdout } = await machine.shell(`systemd-analyze security --offline=true ${unit(service)} | tail -n 1`)
        const exposure = Number(/level for \S+: ([\d.]+)/.exec(stdout)?.[1])
        console.log(`${release}: ${service} ${exposure}`)
        expect(exposure).toBeLessThanOrEqual(2)
        const verified = await machine.shell(`systemd-analyze verify --man=no ${unit(service)} 2>&1`)
        expect(verified.stdout).toBe('')
      }
    })

    test('tell the journal nothing at all while all is well', async () => {
      await secondsUntilWorks(picture)
      // What a start says is out by then.
      await sleep(30_000)
      const since = await Promise.all(both.map(([machine, service]) => journalOf(machine, service, 'debug')))
      await sleep(CALM_MS)
      for (const [nth, [machine, service]] of both.entries()) {
        expect((await journalOf(machine, service, 'debug')).slice(since[nth]?.length)).toEqual([])
        // Of the home that joined the hub's owner is told, who has no channel.
        const warnings = await journalOf(machine, service, 'warning')
        expect(warnings.filter((line) => !line.startsWith('cabin: joined with'))).toEqual([])
      }
    })

    test('are started again within a minute when they hang, and the journal warns of that', async () => {
      await Promise.all(
        both.map(async ([machine, service]) => {
          const hung = await mainPid(machine, service)
          const from = performance.now()
          await machine.shell(`kill -STOP ${hung}`)
          await until('another one runs', async () => !['0', hung].includes(await mainPid(machine, service)))
          const seconds = (performance.now() - from) / 1_000
          console.log(`${release}: ${service} that hung ran again after ${seconds.toFixed(1)} s`)
          expect(seconds).toBeLessThan(60)
          const warned = await machine.shell(`journalctl --quiet --no-pager --unit ${service} --priority warning`)
          expect(warned.stdout).toContain('Watchdog timeout')
        }),
      )
      await secondsUntilWorks(picture)
      await untilUp(machines.pi)
    })

    test('end at once and cleanly, however long ago they began', async () => {
      for (const [machine, service] of both) {
        await machine.shell(`systemctl stop ${service}`)
        const all: number[] = []
        for (const ageMs of AGES_MS) {
          const { stdout } = await machine.shell(
            `systemctl start --no-block ${service}; sleep ${ageMs / 1_000}
from=$(date +%s%3N); systemctl stop ${service}; echo $(($(date +%s%3N) - from))
systemctl show --property Result --value ${service}`,
            { timeoutMs: 180_000 },
          )
          const [ms, result] = stdout.trim().split('\n')
          expect(result).toBe('success')
          all.push(Number(ms))
        }
        console.log(`${release}: stopping ${service} took ${all.toSorted((a, b) => a - b).join(', ')} ms`)
        // A second, and what a busy machine adds to it; a hang would take fifteen.
        expect(Math.max(...all)).toBeLessThan(5_000)
        await machine.shell(`systemctl start ${service}`, { timeoutMs: 180_000 })
      }
      await secondsUntilWorks(picture)
    })
  },
)

const unit = (service: string): string => `/usr/lib/systemd/system/${service}.service`
