import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../system/time/sleep.ts'
import type { Host, RunOptions, RunResult } from '../lab/host/host.ts'
import type { LabProcess } from '../lab/host/process.ts'
import type { ContainerPlan } from './plan.ts'
import type { Image } from './image.ts'

/** One container on a host of the laboratory. Another start makes another one, as engines do for another image. */
export interface Container {
  readonly process: LabProcess
  /** A program in it, with its environment. */
  exec(args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** As engines stop one: SIGTERM, and it ends by itself. @returns what it has written outside of its volumes. */
  stop(): Promise<readonly string[]>
  /** As a power cut ends it. */
  kill(): Promise<void>
  /** Files that it has written outside of its volumes. */
  written(): Promise<readonly string[]>
}

const ENDS_MS = 15_000
/** Docker's (moby, oci/defaults.go). */
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`)
const MASKED = 'acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats'
  .split(' ')
  .map((name) => `/proc/${name}`)
/** Something has to be there to mount upon. */
const MADE_BY_ENGINE = new Set(['/etc/hosts', '/etc/resolv.conf'])
const TUN = { path: '/dev/net/tun', type: 'c', major: 10, minor: 200, fileMode: 0o666, uid: 0, gid: 0 }

let count = 0

/** A volume of a host, whose content outlives containers. */
export async function makeVolume(host: Host, name: string): Promise<string> {
  const place = join(host.disk.path, name)
  await mkdir(place, { mode: 0o700 })
  return place
}

/**
 * Starts one by crun as an engine would by this plan, in the network of the host.
 * @param args behind the entry point. @param secrets the text of each by its name.
 */
export async function startContainer(
  host: Host,
  image: Image,
  plan: ContainerPlan,
  data: string,
  args: readonly string[] = [],
  secrets: Readonly<Record<string, string>> = {},
): Promise<Container> {
  const id = `homeward-${++count}`
  const bundle = await mkdtemp(join(host.disk.path, 'bundle-'))
  for (const folder of ['upper', 'work', 'rootfs', 'secrets']) await mkdir(join(bundle, folder))
  for (const [name, text] of Object.entries(secrets))
    await writeFile(join(bundle, 'secrets', name), text, { mode: 0o600 })
  await writeFile(join(bundle, 'config.json'), JSON.stringify(specOf(host, image, plan, data, bundle, args)))
  await host.shell(
    `[ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ] || mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t overlay overlay -o lowerdir=${image.root},upperdir=${bundle}/upper,workdir=${bundle}/work ${bundle}/rootfs`,
  )
  const crun = ['--cgroup-manager=disabled', '--root', '/run/crun']
  const process = host.start('crun', [...crun, 'run', '--bundle', bundle, id])

  async function written(): Promise<readonly string[]> {
    const entries = await readdir(join(bundle, 'upper'), { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory())
    const paths = files.map((entry) => join(entry.parentPath, entry.name).slice(join(bundle, 'upper').length))
    return paths.filter((path) => !MADE_BY_ENGINE.has(path)).sort()
  }

  return {
    process,
    written,
    exec: (program, options) => host.run('crun', [...crun, 'exec', id, ...program], options),
    async kill() {
      const killed = async (): Promise<boolean> =>
        (await host.run('crun', [...crun, 'kill', id, 'KILL'], { allowFailure: true })).exitCode === 0
      // It may not even be there yet.
      for (let tries = 0; tries < 100 && !(await killed()); tries += 1) await sleep(100)
      await process.exited
    },
    async stop() {
      await host.run('crun', [...crun, 'kill', id, 'TERM'])
      const late = setTimeout(() => void host.run('crun', [...crun, 'kill', id, 'KILL']), ENDS_MS)
      const startedAt = performance.now()
      await process.exited
      clearTimeout(late)
      if (performance.now() - startedAt > ENDS_MS) throw new Error(`it did not end by SIGTERM: ${process.stderr}`)
      return await written()
    },
  }
}

/** An OCI runtime-spec's config.json. */
function specOf(
  { disk, name }: Host,
  { entrypoint, environment }: Image,
  plan: ContainerPlan,
  data: string,
  bundle: string,
  args: readonly string[],
): unknown {
  const bind = (source: string, destination: string, ...options: readonly string[]) => ({
    source,
    destination,
    type: 'bind',
    options: ['bind', ...options],
  })
  const capabilities = plan.capabilities.map((capability) => `CAP_${capability}`)
  const variables = { ...environment, ...plan.environment }
  return {
    ociVersion: '1.0.0',
    hostname: name,
    root: { path: join(bundle, 'rootfs'), readonly: plan.readOnly },
    process: {
      args: [...entrypoint, ...args],
      cwd: '/',
      env: Object.entries(variables).map(([variable, value]) => `${variable}=${value}`),
      user: { uid: 0, gid: 0 },
      noNewPrivileges: plan.noNewPrivileges,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      ...plan.tmpfs.map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] })),
      bind(join(disk.etc, 'hosts'), '/etc/hosts'),
      bind(join(disk.etc, 'resolv.conf'), '/etc/resolv.conf'),
      bind(data, '/data'),
      ...plan.secrets.map((secret) => bind(join(bundle, 'secrets', secret), `/run/secrets/${secret}`, 'ro')),
    ],
    linux: {
      namespaces: [
        ...['mount', 'pid', 'ipc', 'uts'].map((type) => ({ type })),
        ...(plan.hostNetwork ? [] : [{ type: 'network' }]),
      ],
      devices: plan.devices.includes(TUN.path) ? [TUN] : [],
      readonlyPaths: READ_ONLY,
      maskedPaths: MASKED,
    },
  }
}
