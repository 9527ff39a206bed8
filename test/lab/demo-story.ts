import { join } from 'node:path'
import { styleText } from 'node:util'
import { sleep } from '../../system/time/sleep.ts'
import { askedBy } from './places/camera.ts'
import { dropThisFlow, forgetMapping } from './faults/faults.ts'
import type { Host } from './host/host.ts'
import type { Lab } from './lab.ts'
import { buildPicture, type Picture } from './picture.ts'
import type { LabProcess } from './host/process.ts'

const UP_MS = 60_000
const BACK_MS = 60_000

/**
 * Runs the demo and prints it as it goes: each step with the time it took.
 * @throws {Error} a sentence with the step that failed, and what the daemons said last.
 */
export async function tellStory(lab: Lab, signal: AbortSignal): Promise<void> {
  const daemons = new Map<string, LabProcess>()

  /** One line of the table: waits for `act`, prints how long it took and the note `act` gives. */
  async function step(title: string, act: () => Promise<string>): Promise<void> {
    signal.throwIfAborted()
    const started = performance.now()
    try {
      const note = await act()
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(
        `  ${styleText('green', '✓')} ${title.padEnd(44)} ${seconds.padStart(5)} s   ${styleText('dim', note)}`,
      )
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown)
      throw new Error(`${title}: ${why}${lastWords(daemons)}`, { cause: thrown })
    }
  }

  console.log(`\n  ${styleText('bold', 'homeward')}: a home behind its carrier's NAT, reached from a phone\n`)
  console.log(styleText('dim', DRAWING))
  let picture!: Picture
  await step('nine machines, two NATs between them', async () => {
    picture = await buildPicture(lab)
    return 'network namespaces, no packet leaves this machine'
  })
  const { hub, phone, home } = picture

  await step('the hub: homeward hub init, hub run', async () => {
    await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
    daemons.set('hub run', hub.startHomeward(['hub', 'run']))
    await until('the hub answers', UP_MS, signal, async () => {
      return (await hub.homeward(['hub', 'status', '--json'], { allowFailure: true })).exitCode === 0
    })
    return `at ${picture.hubAddress}`
  })

  await step('the Pi: homeward join TOKEN', async () => {
    const token = (await hub.homeward(['hub', 'invite', 'cabin'])).stdout.trim()
    await home.pi.homeward(['join', token, '--yes'])
    return 'key made at home, tunnel proven'
  })

  await step('the Pi: homeward run', async () => {
    daemons.set('run', home.pi.startHomeward(['run']))
    await until('the tunnel is up', UP_MS, signal, () => tunnelIsUp(home.pi))
    return `the hub sees ${await homeAsTheHubSeesIt(hub)}`
  })

  await step('the phone: homeward device add, wg-quick up', async () => {
    const conf = join(phone.disk.configDir, 'phone.conf')
    await home.pi.homeward(['device', 'add', 'phone', '--conf', conf])
    await phone.run('wg-quick', ['up', conf])
    return 'the file carried over by hand'
  })

  await step("the camera's page, on the phone", async () => {
    const page = await until('the page comes', UP_MS, signal, () => fetchPage(picture))
    return `the camera was asked by ${askedBy(page) ?? 'nobody'}`
  })

  await step('the carrier moves the home; page back after', async () => {
    const before = await homeAsTheHubSeesIt(hub)
    await forgetMapping(home, { pool: 'other' })
    await until('the page comes back', BACK_MS, signal, () => fetchPage(picture))
    return `${before} → ${await homeAsTheHubSeesIt(hub)}`
  })

  await step('the carrier blocks the flow; page back after', async () => {
    const undo = await dropThisFlow(home)
    await until('the page comes back', BACK_MS, signal, () => fetchPage(picture))
    const cure = await lastRemedy(home.pi)
    await undo()
    return cure
  })
}

const DRAWING = `    phone  ──▶  HUB  ◀──  carrier's NAT  ◀──  home router  ◀──  Pi, homeward
    192.0.2.20  203.0.113.10  198.51.100.8/29     192.168.1.1   │   192.168.1.2
                                                                └── camera
                                                                    192.168.1.50
`

/** Over phone → hub → carrier → router → Pi → camera. */
async function fetchPage({ phone, home }: Picture): Promise<string | undefined> {
  const page = await phone.run('curl', ['-sS', '--max-time', '1', `http://${home.lan.camera}/`], {
    allowFailure: true,
  })
  return page.exitCode === 0 && page.stdout.includes('camera') ? page.stdout : undefined
}

async function tunnelIsUp(pi: Host): Promise<boolean> {
  const { stdout } = await pi.homeward(['status', '--json'], { allowFailure: true })
  try {
    return (JSON.parse(stdout) as { tunnel?: { state?: string } }).tunnel?.state === 'up'
  } catch {
    return false
  }
}

/** The peer behind the carrier: the others are phones with addresses of their own. */
async function homeAsTheHubSeesIt(hub: Host): Promise<string> {
  const { stdout } = await hub.run('wg', ['show', 'all', 'endpoints'])
  return /198\.51\.100\.\d+:\d+/.exec(stdout)?.[0] ?? 'nothing'
}

/** What the agent says it did, from its own record. */
async function lastRemedy(pi: Host): Promise<string> {
  const { stdout } = await pi.homeward(['events'])
  const line = stdout.split('\n').findLast((text) => text.includes('tried another source port')) ?? ''
  return line.replace(/^.*? {2}/, '')
}

/** Asks until the answer is neither undefined nor false. */
async function until<T>(
  what: string,
  timeoutMs: number,
  signal: AbortSignal,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(50, signal)) {
    signal.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
  }
  throw new Error(`not within ${timeoutMs / 1000} s that ${what}`)
}

function lastWords(daemons: ReadonlyMap<string, LabProcess>): string {
  return [...daemons]
    .map(([name, { stdout, stderr }]) => {
      const said = `${stdout}${stderr}`.trim().split('\n').slice(-8)
      return `\n  homeward ${name} said last:\n    ${said.join('\n    ')}`
    })
    .join('')
}
