import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import type { Adapter } from '../adapters/adapter.ts'
import type { Step } from '../adapters/step.ts'
import { refuseUnlessSafe } from '../adapters/apply.ts'
import { tunnelIn } from '../adapters/tunnel-in.ts'
import { Problem } from '../problems/problem.ts'
import { freeTunnelNetwork } from '../net/free-network.ts'
import { overlaps } from '../net/prefix.ts'
import { makeFolder, writeFileAtomic } from '../system/files/atomic-file.ts'
import { isThere } from '../system/files/is-there.ts'
import { readSecretFile } from '../system/files/secret-file.ts'
import { parsePrivateKey, type PrivateKey, privateKeyFrom } from '../wireguard/keys.ts'
import { publicKeyOf } from '../wireguard/public-key.ts'
import { makeCertificate } from './settings/certificate.ts'
import { type HubConfig, hubConfigText, readHubConfig } from './settings/config.ts'
import { desiredTunnel } from './machine/desired.ts'
import { readOwnNetworks } from './machine/own-networks.ts'
import { familyNotes } from './machine/families.ts'
import { readIdentity } from './settings/identity.ts'
import type { HubPaths } from './settings/paths.ts'
import { refuseTakenPort } from './machine/ports/port-owner.ts'
import { EMPTY_DOCUMENT } from './core/store-document.ts'
import { networkInForce } from './core/tunnel-network.ts'
import { readStore } from './store/store.ts'
import { storeText } from './store/store-file.ts'
import { readKeptPorts } from './machine/ports/kept-ports.ts'
import { freeAlternatePorts, servedPorts } from './machine/ports/served-ports.ts'

/** Settings from the command line; others stay as they are, or get their default. */
export type Given = Partial<Pick<HubConfig, 'addresses' | 'port' | 'network' | 'alternatePorts' | 'interface'>>

/** The plan of `hub init`. Nothing to write and no steps: the hub is there already. */
export interface InitPlan {
  readonly config: HubConfig
  /** Files that are missing, in the order in which they are written. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
  readonly steps: readonly Step[]
  /** What the owner should know of the addresses. */
  readonly notes: readonly string[]
}

/**
 * Finds out what is missing. hub.yaml is written last: where it is, everything before it is complete, and where it is
 * not, an interrupted init begins again with the key that it left.
 * @param daemonRuns then the ports are ours.
 * @throws {Problem} `wrong-usage`, `hub-settings-differ`, `port-taken`, `interface-taken`, `lan-overlaps`, `store-*`, …
 */
export async function planInit(
  paths: HubPaths,
  given: Given,
  defaults: (addresses: readonly string[]) => HubConfig,
  adapter: Adapter,
  daemonRuns: boolean,
): Promise<InitPlan> {
  const existing = await existingConfig(paths)
  if (existing !== null) refuseDifferent(given, existing, paths.config)
  const config = existing ?? (await withFreeNetwork(fresh(given, defaults), given))
  const stored = await isThere(paths.store)
  const document = stored ? await readStore(paths.store) : EMPTY_DOCUMENT
  // Where hub.yaml is, homes may know this hub by its keys: they are read and never made again.
  const privateKey = existing === null ? ((await leftKey(paths)) ?? privateKeyFrom(randomBytes(32))) : null
  const publicKey = privateKey === null ? (await readIdentity(paths)).publicKey : publicKeyOf(privateKey)

  const alternatePorts = freeAlternatePorts(config, await servedPorts('udp'))
  const observed = await adapter.observe(AbortSignal.timeout(30_000))
  const { steps, refusals } = adapter.plan(observed, [
    desiredTunnel(
      { ...config, network: networkInForce(document, config.network, null) },
      publicKey,
      document,
      alternatePorts,
      undefined,
      await readKeptPorts(paths),
    ),
  ])
  refuseUnlessSafe({ refusals })
  if (existing === null || steps.length > 0)
    await refuseTakenPorts(config, tunnelIn(observed, config.interface)?.listenPort ?? null, daemonRuns)
  return {
    config,
    files: [
      ...(stored ? [] : [{ path: paths.store, content: storeText(EMPTY_DOCUMENT) }]),
      ...(privateKey === null ? [] : newFiles(paths, config, privateKey)),
    ],
    steps,
    notes: await familyNotes(config.addresses),
  }
}

/** Writes the files. Applying the steps is for whoever holds the store. @throws {Problem} `write-failed`. */
export async function writeInit(plan: InitPlan): Promise<void> {
  for (const { path, content } of plan.files) {
    await makeFolder(dirname(path))
    await writeFileAtomic(path, content)
  }
}

/** The files, hub.yaml last. Nobody has seen a token yet, so an interrupted init's certificate is not missed. */
function newFiles(paths: HubPaths, config: HubConfig, privateKey: PrivateKey): InitPlan['files'] {
  const tls = makeCertificate(config.addresses)
  return [
    { path: paths.privateKey, content: `${privateKey}\n` },
    { path: paths.tlsKey, content: tls.key },
    { path: paths.certificate, content: tls.certificate },
    { path: paths.config, content: hubConfigText(config) },
  ]
}

async function existingConfig(paths: HubPaths): Promise<HubConfig | null> {
  try {
    return await readHubConfig(paths.config)
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'hub-not-initialised') return null
    throw thrown
  }
}

function fresh(given: Given, defaults: (addresses: readonly string[]) => HubConfig): HubConfig {
  if (given.addresses === undefined)
    throw new Problem('wrong-usage', {
      what: 'starting a hub',
      why: 'it was not said how this machine is reached from outside',
      next: 'Pass --address with its public address or name',
    })
  return { ...defaults(given.addresses), ...given }
}

/** @throws {Problem} `hub-settings-differ`. */
export function refuseDifferent(given: Given, existing: HubConfig, path: string): void {
  const differ = Object.entries(given).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(existing[name as keyof Given]),
  )
  if (differ.length === 0) return
  const why = differ
    .map(([name, value]) => `${name} is ${said(existing[name as keyof Given])} there, not ${said(value)}`)
    .join('; ')
  throw new Problem('hub-settings-differ', { what: 'starting a hub', why: `${path} exists and ${why}` })
}

/** The settings with a network that this machine does not use otherwise: another one, where nobody asked for this. */
async function withFreeNetwork(config: HubConfig, given: Given): Promise<HubConfig> {
  const own = await readOwnNetworks(config.interface)
  const clash = own.find(({ prefix }) => overlaps(prefix, config.network))
  if (clash === undefined) return config
  const free = freeTunnelNetwork(own.map(({ prefix }) => prefix))
  if (given.network === undefined && free !== null) return { ...config, network: free }
  throw new Problem('lan-overlaps', {
    what: 'starting a hub',
    why: `the tunnel’s network ${config.network} overlaps ${clash.prefix}, ${clash.by}`,
    next: free === null ? 'Choose another one with --network CIDR' : `Take one that is free here: --network ${free}`,
  })
}

/** Refuses ports of others; only a port that is not ours already can be somebody else's. */
async function refuseTakenPorts(config: HubConfig, listenPort: number | null, daemonRuns: boolean): Promise<void> {
  const what = 'starting a hub'
  if (listenPort !== config.port) await refuseTakenPort('udp', config.port, what)
  if (!daemonRuns) await refuseTakenPort('tcp', config.port, what)
}

/** The key that an interrupted init left, when it is of use. */
async function leftKey(paths: HubPaths): Promise<PrivateKey | null> {
  try {
    return parsePrivateKey(await readSecretFile(paths.privateKey))
  } catch {
    return null
  }
}

function said(value: unknown): string {
  return [value].flat().join(', ')
}
