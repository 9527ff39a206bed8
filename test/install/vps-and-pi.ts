import { sleep } from '../../system/time/sleep.ts'
import { createLab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { unpackRelease } from './release.ts'
import { bootScratchMachine, type ScratchMachine } from './scratch-machine.ts'

/** A VPS and a Pi with systemd, each with a release that is not installed. */
export interface VpsAndPi {
  readonly picture: Picture
  readonly vps: ScratchMachine
  readonly pi: ScratchMachine
  end(): Promise<void>
}

export const RELEASE = '/opt/homeward'

export async function bootVpsAndPi(): Promise<VpsAndPi> {
  const lab = await createLab()
  const picture = await buildPicture(lab)
  const [vps, pi] = await Promise.all([
    bootScratchMachine(lab, picture.hub, 'systemd'),
    bootScratchMachine(lab, picture.home.pi, 'systemd'),
  ])
  await Promise.all([unpackRelease(vps, RELEASE), unpackRelease(pi, RELEASE)])
  return {
    picture,
    vps,
    pi,
    end: async () => {
      await Promise.all([vps.end(), pi.end()])
      await lab.close()
    },
  }
}

export async function install(machine: ScratchMachine, words: string): Promise<string> {
  const { stdout, stderr } = await machine.shell(`${RELEASE}/install.sh ${words} </dev/null 2>&1`, {
    timeoutMs: 180_000,
  })
  return stdout + stderr
}

export const invite = async (vps: ScratchMachine): Promise<string> =>
  (await vps.shell('homeward hub invite cabin')).stdout.trim()

export const untilUp = (pi: ScratchMachine): Promise<void> =>
  until('up', async () => (await pi.shell('homeward status', { allowFailure: true })).exitCode === 0)

/** The hub's own machine asks the camera through the tunnel. */
export const camera = ({ hub, home }: Picture): Promise<string> =>
  hub
    .run('curl', ['--silent', '--max-time', '10', `http://${home.lan.camera}/`], { allowFailure: true })
    .then(({ stdout }) => stdout)

export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  for (const late = Date.now() + timeoutMs; !(await isSo()); await sleep(500))
    if (Date.now() > late) throw new Error(`${what}: not within ${timeoutMs / 1000} s`)
}

export const mainPid = async (machine: ScratchMachine, service: string): Promise<string> =>
  (await machine.shell(`systemctl show --property MainPID --value ${service}`)).stdout.trim()
export const tunnelPid = async (machine: ScratchMachine): Promise<string> =>
  (await machine.shell('pgrep -x wireguard-go || true')).stdout.trim()
