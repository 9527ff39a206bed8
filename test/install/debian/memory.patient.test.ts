import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import type { Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import type { ScratchMachine } from '../scratch-machine.ts'
import { mainPid, untilUp, type VpsAndPi } from '../vps-and-pi.ts'
import { bootDebians, PUBLISHED, RELEASES, secondsUntilWorks } from './machines.ts'

const LOAD_MS = 120_000
/** Where systems have the memory controller of the first cgroups, as the laboratory's machine has, those of the second cannot. */
const FIRST_CGROUPS = '/sys/fs/cgroup/memory'
const MEGABYTE = 1024 * 1024

/**
 * The limits of the units, with many devices and publications, full throughput, and questions all the while. In the long run
 * only: both releases are downloaded.
 */
describe.runIf(isLong).each(RELEASES)('on %s, the limits of memory', { timeout: 900_000 }, (release) => {
  let machines: VpsAndPi
  let picture: Picture

  beforeAll(async () => {
    machines = await bootDebians(release)
    picture = machines.picture
  }, 1_800_000)
  afterAll(() => machines.end())

  test('kill nothing under load, and are more than twice what that takes', async () => {
    const both = [
      [machines.vps, 'homeward-hub'],
      [machines.pi, 'homeward'],
    ] as const
    const groups = await Promise.all(both.map(([machine, service]) => limit(machine, service)))
    try {
      await secondsUntilWorks(picture)
      await untilUp(machines.pi)
      const before = await Promise.all(both.map(([machine, service]) => mainPid(machine, service)))
      const load = await beginLoad()
      let peaks = both.map(() => 0)
      for (const until = Date.now() + LOAD_MS; Date.now() < until; await sleep(250)) {
        const now = await Promise.all(both.map(([machine, service]) => anonymousMegabytes(machine, service)))
        peaks = peaks.map((peak, nth) => Math.max(peak, now[nth] ?? 0))
      }
      await Promise.all(load.map((program) => program.kill('SIGKILL')))
      for (const [nth, [machine, service]] of both.entries()) {
        const most = await groups[nth]?.most()
        console.log(
          `${release}: ${service} and its programs: ${peaks[nth]?.toFixed(0)} MB anonymous, ${most?.toFixed(0) ?? '?'} MB with what the kernel keeps for them`,
        )
        expect(await mainPid(machine, service)).toBe(before[nth])
        expect(peaks[nth]).toBeGreaterThan(20)
        expect(peaks[nth]).toBeLessThan((await property(machine, service, 'MemoryHigh')) / MEGABYTE / 2)
      }
      await secondsUntilWorks(picture)
    } finally {
      for (const group of groups) await group?.end()
    }
  })

  /** Visitors who load as much as passes, an owner who asks and changes, and many devices and publications. */
  async function beginLoad(): Promise<readonly LabProcess[]> {
    const { vps } = machines
    await vps.shell(
      `for n in $(seq 40); do homeward device add laptop$n --conf - >/dev/null; homeward publish add $((9000 + n))/tcp ${picture.home.lan.camera}:$((9000 + n)) >/dev/null; done`,
      { timeoutMs: 300_000 },
    )
    const { hub, home, visitor, hubAddress } = picture
    const sends = home.camera.start('iperf3', ['--server', '--port', '5201'])
    const { stdout } = await hub.run('ip', ['-4', '-brief', 'address', 'show', 'hw0'])
    expect(stdout).toContain('10.86.0.1')
    const loads = hub.start('sh', [
      '-c',
      `while :; do iperf3 --client ${home.lan.camera} --parallel 8 --time 10 --reverse; iperf3 --client ${home.lan.camera} --parallel 8 --time 10; sleep 0.2; done`,
    ])
    const visits = visitor.start('sh', [
      '-c',
      `while :; do for n in 1 2 3 4 5 6 7 8; do curl --silent --max-time 5 http://${hubAddress}:${PUBLISHED}/ & done; wait; done`,
    ])
    return [sends, loads, visits]
  }
})

async function property(machine: ScratchMachine, service: string, name: string): Promise<number> {
  return Number((await machine.shell(`systemctl show --property ${name} --value ${service}`)).stdout.trim())
}

/** What all processes of the service have that no file could give back, in MB: by its cgroup, children and wireguard-go too. */
async function anonymousMegabytes(machine: ScratchMachine, service: string): Promise<number> {
  const { stdout } = await machine.shell(
    `for pid in $(cat /sys/fs/cgroup/system.slice/${service}.service/cgroup.procs); do sed -n 's/^\\(RssAnon\\|RssShmem\\):[^0-9]*\\([0-9]*\\).*/\\2/p' /proc/$pid/status 2>/dev/null || true; done`,
  )
  return stdout.split('\n').reduce((sum, kilobytes) => sum + Number(kilobytes), 0) / 1024
}

/**
 * Starts the service with its wireguard-go in a cgroup with the limit of MemoryHigh=, at which the kernel kills what cannot be
 * reclaimed: systemd's own limits do nothing where the second cgroups have no memory controller.
 */
async function limit(machine: ScratchMachine, service: string) {
  if (!(await readdir(FIRST_CGROUPS).catch((): string[] => [])).includes('memory.limit_in_bytes')) return null
  const group = join(FIRST_CGROUPS, `homeward-test-${process.pid}-${service}`)
  await mkdir(group)
  await writeFile(join(group, 'memory.limit_in_bytes'), String(await property(machine, service, 'MemoryHigh')))
  await machine.shell(`systemctl stop ${service}; pkill -x wireguard-go || true`)
  const first = await machine.firstProcess()
  const home = /^\d+:memory:(.*)$/m.exec(await readFile(`/proc/${first}/cgroup`, 'utf8'))?.[1] ?? '/'
  // What it starts stays where it is itself at that moment.
  await writeFile(join(group, 'cgroup.procs'), String(first))
  await machine.shell(`systemctl start ${service}`, { timeoutMs: 120_000 })
  await writeFile(join(FIRST_CGROUPS, home, 'cgroup.procs'), String(first))
  return {
    most: async () => Number(await readFile(join(group, 'memory.max_usage_in_bytes'), 'utf8')) / MEGABYTE,
    end: async () => {
      for (const pid of (await readFile(join(group, 'cgroup.procs'), 'utf8')).split('\n').filter((line) => line !== ''))
        await writeFile(join(FIRST_CGROUPS, home, 'cgroup.procs'), pid).catch(() => undefined)
      await rmdir(group)
    },
  }
}
