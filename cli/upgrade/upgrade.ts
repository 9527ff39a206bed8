import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { Problem } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { printFacts, printLine } from '../output.ts'
import { place } from '../place.ts'
import { version } from '../version.ts'
import { installedAs, type Installed, LIBRARY } from './installed.ts'
import { type Offer, offerOf } from './offer.ts'
import { refuseElsewhere, refuseNone, refuseOther, WHAT } from './refusals.ts'
import { readWentBack, wentBackText, type WentBack } from './went-back.ts'

export interface UpgradeOptions {
  readonly check?: boolean
  readonly downgrade?: boolean
}

/** A release is fetched by a slow line, and then proves itself for some minutes. */
const UPGRADE_MS = 7_200_000

/**
 * `homeward upgrade [RELEASE]`. What upgrades is what installed: install.sh of the release, or apt.
 * @param release a release: the tarball or the folder where it is unpacked; a package, where this one is a package. null: the newest.
 */
export async function upgrade(context: Context, release: string | null, options: UpgradeOptions): Promise<void> {
  const form = await installedAs(process.argv[1] ?? '', isThere)
  if (options.check === true) return await check(context, form, release)
  refuseElsewhere(form, process.argv[1] ?? 'a checkout')
  refuseOther(form, release)
  if (process.getuid?.() !== 0)
    throw new Problem('no-root', { what: WHAT, why: 'it replaces the program and starts its services again' })
  const before = await readWentBack(context.stateDir)
  const isDone = await carryOut(form, release, before, options.downgrade === true)
  // Where apt is run again after a fall, it says that all is well.
  const after = await readWentBack(context.stateDir)
  const fell = after !== null && after.at !== before?.at
  process.exitCode = isDone && !fell ? 0 : 1
}

async function carryOut(
  form: 'release' | 'package',
  release: string | null,
  wentBack: WentBack | null,
  downgrade: boolean,
): Promise<boolean> {
  if (form === 'package') return await byApt(release, wentBack, downgrade)
  if (release === null) await offerOrThrow(form)
  const words = [...(release === null ? [] : [resolve(release)]), ...(downgrade ? ['--downgrade'] : [])]
  return await passOn('bash', [`${LIBRARY}/install.sh`, 'upgrade', ...words])
}

async function byApt(release: string | null, wentBack: WentBack | null, downgrade: boolean): Promise<boolean> {
  const apt = ['--yes', '-o', 'DPkg::Lock::Timeout=120', ...(downgrade ? ['--allow-downgrades'] : [])]
  if (release !== null) return await passOn('apt-get', ['install', ...apt, resolve(release)])
  await passOn('apt-get', ['update', '-o', 'DPkg::Lock::Timeout=120'])
  const { offered } = await offerOrThrow('package')
  if (offered === version) {
    printLine(`homeward ${version} is the newest that is offered`)
    return true
  }
  // For apt it is installed, and nothing is left to do.
  if (offered === wentBack?.version) {
    printLine(`${wentBackText(wentBack, version)}. To try it again: sudo apt-get install --reinstall homeward`)
    return false
  }
  return await passOn('apt-get', ['install', '--only-upgrade', ...apt, 'homeward'])
}

/** @throws {Problem} `nothing-offered`. */
async function offerOrThrow(form: 'release' | 'package'): Promise<Offer & { readonly offered: string }> {
  return refuseNone(await offerOf(form, null))
}

/** What `--check` tells, for people and scripts. */
interface Checked {
  readonly version: string
  readonly installedAs: Installed
  readonly offered: string | null
  readonly why: string
  readonly wentBack: WentBack | null
}

/** Exit status 2 when another version is offered: a change is pending. */
async function check(context: Context, form: Installed, release: string | null): Promise<void> {
  const offer = form === 'release' || form === 'package' ? await offerOf(form, release) : nowhere(form)
  const facts: Checked = { version, installedAs: form, ...offer, wentBack: await readWentBack(context.stateDir) }
  printFacts(context, facts, checkText)
  process.exitCode = offer.offered !== null && offer.offered !== version ? 2 : 0
}

function nowhere(form: 'image' | 'folder'): Offer {
  return {
    offered: null,
    why: form === 'image' ? 'the host of this container says which image it runs' : 'it runs from a folder',
  }
}

const FORM_TEXT = {
  release: 'installed by install.sh',
  package: 'installed as a package',
  image: 'in a container',
  folder: 'in a folder that nobody installed',
} as const satisfies Record<Installed, string>

function checkText({ version: here, installedAs: form, offered, why, wentBack }: Checked): string {
  const offer =
    offered === null
      ? `nothing newer is known: ${why}`
      : offered === here
        ? 'the newest that is offered'
        : `${offered} is offered: sudo homeward upgrade`
  const fell = wentBack === null ? [] : [`${wentBackText(wentBack, here)}.`]
  return [`homeward ${here}, ${FORM_TEXT[form]}`, offer, ...fell].join('\n')
}

/** Runs a program that talks to the person itself. @returns whether it ended well. */
async function passOn(file: string, args: readonly string[]): Promise<boolean> {
  // Ctrl-C reaches both; the program undoes what it has begun, and this waits for it.
  const ignore = (): void => undefined
  process.on('SIGINT', ignore)
  try {
    const env = {
      ...process.env,
      HOMEWARD_PLACE: process.env['HOMEWARD_PLACE'] ?? place,
      DEBIAN_FRONTEND: 'noninteractive',
    }
    const child = spawn(file, args, { stdio: 'inherit', timeout: UPGRADE_MS, env })
    const [status] = (await once(child, 'exit')) as [number | null]
    return status === 0
  } catch (thrown) {
    throw new Problem('tool-missing', { what: `starting ${file}`, why: 'it is not there', cause: thrown })
  } finally {
    process.off('SIGINT', ignore)
  }
}
