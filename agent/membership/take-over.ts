import { lstat, readFile, rm } from 'node:fs/promises'
import { forgetHub } from './forget-hub.ts'
import { join } from 'node:path'
import { makeFolder, writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { RegistrarAddress } from '../registrar/ask-registrar.ts'
import { applyTunnel } from '../tunnel/plan/apply-tunnel.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import { type AgentConfig, agentConfigPath, type RouterConfig, tunnelsOf } from '../settings/config.ts'
import { forgetHome } from './forget-home.ts'
import type { JoinStage } from './join-undo.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import type { UplinkFacts } from '../memory/uplink-memory.ts'
import { openAdapter } from '../tunnel/plan/open-adapter.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { homeSecretPath } from '../secrets/home-secret.ts'
import { privateKeyPath } from '../secrets/secrets.ts'
import { recheckAgent } from '../settings/recheck-agent.ts'
import { undoing } from './undoing.ts'

/** The folder of the new secrets until the new tunnel is proven: until then this home stays as it is. */
export function joiningAgainPath(configDir: string): string {
  return join(configDir, 'joining-again')
}

/**
 * Makes a folder of root's that nobody else may look into; what an interrupted join has left in it stays. Its parent
 * belongs to the service's user, who may have put something else there.
 * @throws {Problem} `write-failed`.
 */
export async function makeStaging(staging: string): Promise<void> {
  const there = await lstat(staging).catch(() => null)
  const isOurs = there?.isDirectory() === true && there.uid === process.getuid?.() && (there.mode & 0o077) === 0
  if (!isOurs) await rm(staging, { recursive: true, force: true })
  await makeFolder(staging)
}

/** A home as it is before it joins again. */
export interface PresentHome {
  /** The configuration, with the key that the tunnel has. */
  readonly config: AgentConfig
  /** The text of agent.yaml. */
  readonly text: string
  readonly uplink: UplinkFacts
}

const AGENT_LOOKS_MS = 10_000

/**
 * Makes the proven tunnel this home's. Files are copied before anything is removed, so that an interrupted run can be
 * repeated.
 * @returns whether an agent runs that takes the tunnel over.
 */
export async function takeOver(paths: AgentPaths, staging: string, router: RouterConfig): Promise<boolean> {
  const { configDir, stateDir, runtimeDir } = paths
  const keys = keyMakerOf(router) === 'agent' ? [privateKeyPath] : []
  await replaceAll(
    [...keys, homeSecretPath, agentConfigPath].map((path) => ({ from: path(staging), to: path(configDir) })),
  )
  await forgetHub(stateDir)
  await rm(staging, { recursive: true, force: true })
  // An agent that answers has looked; one that ends during the question was there as well.
  return (await recheckAgent(runtimeDir, AGENT_LOOKS_MS)) !== null
}

/** Replaces all files, or none. @throws {Problem} `write-failed`. */
async function replaceAll(files: readonly { readonly from: string; readonly to: string }[]): Promise<void> {
  const before = await Promise.all(files.map(({ to }) => readFile(to, 'utf8')))
  const after = await Promise.all(files.map(({ from }) => readFile(from, 'utf8')))
  try {
    for (const [index, { to }] of files.entries()) await writeFileAtomic(to, after[index] ?? '')
  } catch (thrown) {
    for (const [index, { to }] of files.entries()) await writeFileAtomic(to, before[index] ?? '').catch(() => undefined)
    throw thrown
  }
}

export interface BegunAgain {
  readonly paths: AgentPaths
  readonly staging: string
  readonly present: PresentHome
  readonly begun: ReadonlySet<JoinStage>
  readonly registrar: RegistrarAddress
  /** The new `HOME.SECRET`. */
  readonly bearer: string
}

const UNDO_MS = 40_000

/**
 * Restores the tunnel and gives the invitation back, each whatever became of the other. The new secrets stay when the
 * hub may know them: with them the same token works again.
 */
export async function undoAgain(again: BegunAgain, tell: (uplink: string) => void): Promise<void> {
  const { paths, staging, present, begun } = again
  // The undo has its own signal: the one that ended the join must not end it.
  const signal = AbortSignal.timeout(UNDO_MS)
  const attempt = undoing(tell)
  const isForgotten =
    !begun.has('hub') ||
    (await attempt('joining the hub', () => forgetHome(again.registrar, again.bearer, { reopenInvite: true }, signal)))
  if (begun.has('machine')) await attempt('changing the tunnel', () => bringBack(paths, present, signal))
  if (isForgotten) await rm(staging, { recursive: true, force: true }).catch(() => undefined)
}

async function bringBack(paths: AgentPaths, { config, uplink }: PresentHome, signal: AbortSignal): Promise<void> {
  const adapter = await openAdapter(config.router, paths)
  try {
    const [wanted] = tunnelsOf(config)
    const tunnel = { adapter, config: wanted, stateDir: paths.stateDir, uplink, transport: null }
    await withChangeLock(paths.runtimeDir, signal, () => applyTunnel(tunnel, signal))
  } finally {
    await adapter.close()
  }
}
