import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { createLab } from './lab.ts'
import { removeLeftovers } from './host/leftovers.ts'
import { buildPicture } from './picture.ts'
import { answerUdp, openUdpFlow } from './traffic/udp-flow.ts'

/** What a laboratory could leave behind, as the kernel names it. */
interface Traces {
  readonly folder: string
  readonly namespaces: readonly string[]
}

const NAMESPACES = ['net', 'mnt', 'pid', 'uts'] as const

/** Which of these namespaces some process of this machine still lives in or holds. */
function alive(namespaces: readonly string[]): readonly string[] {
  const held = new Set<string>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    for (const kind of NAMESPACES) held.add(namespaceOf(Number(pid), kind))
  return namespaces.filter((namespace) => held.has(namespace))
}

function namespaceOf(pid: number, kind: (typeof NAMESPACES)[number]): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`)
  } catch {
    return ''
  }
}

function tracesOf(lab: { folder: string; hosts: ReadonlyMap<string, { pid: number }> }): Traces {
  const namespaces = [...lab.hosts.values()].flatMap((host) => NAMESPACES.map((kind) => namespaceOf(host.pid, kind)))
  return { folder: lab.folder, namespaces }
}

function machineNetwork(): readonly string[] {
  return readdirSync('/sys/class/net').sort()
}

it('two laboratories with the same addresses do not meet', async () => {
  const labs = await Promise.all([createLab(), createLab()])
  try {
    const [one, other] = await Promise.all(labs.map((lab) => buildPicture(lab)))
    await answerUdp(one!.hub, 4000)
    expect(await (await openUdpFlow(one!.home.pi, '203.0.113.10', 4000)).ask()).toBeDefined()
    expect(await (await openUdpFlow(other!.home.pi, '203.0.113.10', 4000)).ask({ timeoutMs: 2_000 })).toBeUndefined()
  } finally {
    await Promise.all(labs.map((lab) => lab.close()))
  }
})

it('a closed laboratory leaves no namespace, process, interface, mount or folder', async () => {
  const before = machineNetwork()
  const lab = await createLab()
  const picture = await buildPicture(lab)
  await picture.home.pi.shell('wireguard-go wg0 >/dev/null 2>&1')
  const iperf = picture.hub.start('iperf3', ['-s'])
  const traces = tracesOf(lab)
  expect(alive(traces.namespaces)).toEqual(traces.namespaces)
  expect(machineNetwork()).toEqual(before)
  await lab.close()
  expect(await iperf.exited).toEqual({ code: null, signal: 'SIGKILL' })
  await untilGone(traces)
  expect(existsSync(lab.folder)).toBe(false)
  expect(machineNetwork()).toEqual(before)
})

it('a laboratory whose runner was killed leaves only its folder, which the next one removes', async () => {
  // A place of its own: any other laboratory of this machine may clean up the common one at any moment.
  const place = await mkdtemp(join(tmpdir(), 'lab-end-'))
  const runner = await startRunner(place)
  const line = await once(createInterface({ input: runner.stdout! }), 'line')
  const traces = JSON.parse(String(line[0])) as Traces
  expect(alive(traces.namespaces)).toEqual(traces.namespaces)
  await removeLeftovers(place)
  expect(existsSync(traces.folder)).toBe(true)
  const exited = once(runner, 'exit')
  runner.kill('SIGKILL')
  await exited
  await untilGone(traces)
  expect(existsSync(traces.folder)).toBe(true)
  await mkdir(join(place, `homeward-lab-${runner.pid}-1-ofAnotherNamespace`))
  await removeLeftovers(place)
  expect(readdirSync(place)).toEqual([`homeward-lab-${runner.pid}-1-ofAnotherNamespace`])
  await rm(place, { recursive: true })
})

/** Another process that builds a picture with programs running in it, says what there is, and waits. */
async function startRunner(place: string): Promise<ChildProcess> {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const contents = `
    import { createLab } from './lab.ts'
    import { buildPicture } from './picture.ts'
    import { readlinkSync } from 'node:fs'
    const lab = await createLab()
    const picture = await buildPicture(lab)
    await picture.home.pi.shell('wireguard-go wg0 >/dev/null 2>&1')
    picture.hub.start('iperf3', ['-s'])
    const namespaces = [...lab.hosts.values()].flatMap((host) =>
      ${JSON.stringify(NAMESPACES)}.map((kind) => readlinkSync('/proc/' + host.pid + '/ns/' + kind)))
    console.log(JSON.stringify({ folder: lab.folder, namespaces }))
    setInterval(() => {}, 1000)
  `
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
  const runner = spawn(process.execPath, ['--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: place },
  })
  runner.stdin.end(outputFiles[0]!.text)
  return runner
}

/** The kernel takes namespaces down in its own time, after the last process died. */
async function untilGone({ folder, namespaces }: Traces): Promise<void> {
  await expect.poll(() => alive(namespaces)).toEqual([])
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder)
}
