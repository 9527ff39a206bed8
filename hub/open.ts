import type { Adapter } from '../adapters/adapter.ts'
import { systemClock } from '../system/time/clock.ts'
import type { Log } from '../system/process/log.ts'
import type { PresharedKey, PublicKey } from '../wireguard/keys.ts'
import { type HubConfig, readHubConfig } from './settings/config.ts'
import { type Hub, type HubParts, makeHub } from './service/hub.ts'
import { type Identity, readIdentity } from './settings/identity.ts'
import { ownNetworks } from './core/lan.ts'
import type { HubPaths } from './settings/paths.ts'
import { openHeardOnce } from './presence/heard-once.ts'
import { openMappings } from './presence/mappings.ts'
import { openStore, type Store } from './store/store.ts'
import { servedPorts } from './machine/served-ports.ts'
import { openSshPorts } from './machine/ssh-ports.ts'
import { tooManyNotes } from './report/status.ts'
import { openWhereabouts } from './presence/whereabouts.ts'
import { makeWitness, type Witness } from './presence/witness.ts'
import { makeWord } from './presence/word.ts'

/** Makes the adapter for the machine the hub runs on, given where its secrets are. */
export type AdapterMaker = (secrets: {
  readonly privateKeyFile: () => string
  readonly presharedKeys: (publicKey: PublicKey) => PresharedKey | undefined
}) => Adapter

export interface OpenHub {
  readonly hub: Hub
  readonly identity: Identity
  readonly witness: Witness
}

/** Those who answer homes. */
type Responders = Pick<HubParts, 'heartbeats' | 'echoes' | 'carriers' | 'word' | 'alerting'>

/**
 * Opens the hub on its files.
 * @param makeResponders null where no daemon runs; the witness then looks once.
 * @throws {Problem} `hub-not-initialised`, `config-*`, `secret-exposed`, `store-*`.
 */
export async function openHub(
  paths: HubPaths,
  makeAdapter: AdapterMaker,
  log: Log,
  makeResponders: ((witness: Witness) => Responders) | null,
): Promise<OpenHub> {
  let config: () => HubConfig = () => initial
  const initial = await readHubConfig(paths.config)
  const identity = await readIdentity(paths)
  const store = await openStore(paths.store)
  for (const note of tooManyNotes(store.document)) log.warn(note)
  const witness = makeWitness(() => config().interface, systemClock, log)
  const whereabouts = await openWhereabouts(paths.whereabouts, systemClock, log)
  const hub = makeHub({
    config: initial,
    identity,
    store,
    adapter: makeAdapter({ privateKeyFile: () => paths.privateKey, presharedKeys: presharedKeysIn(store) }),
    witness,
    whereabouts,
    mappings: await openMappings(paths.mappings, systemClock, log),
    heardOnce: await openHeardOnce(paths.heardOnce, systemClock, log),
    ...(makeResponders?.(witness) ?? nobody(witness)),
    ownNetworks,
    servedPorts,
    ssh: await openSshPorts({
      path: paths.sshPorts,
      isOwn: (port) => port === config().port,
      clock: systemClock,
      log,
    }),
    clock: systemClock,
    log,
  })
  config = () => hub.config
  await witness.look()
  return { hub, identity, witness }
}

function nobody(witness: Witness): Responders {
  return {
    heartbeats: null,
    echoes: null,
    carriers: null,
    alerting: null,
    word: makeWord(witness, null, async () => null),
  }
}

/** Looked up once per peer and apply: through a table, made anew when the store changed. */
function presharedKeysIn(store: Store): (publicKey: PublicKey) => PresharedKey | undefined {
  let of: Store['document'] | null = null
  let keys = new Map<PublicKey, PresharedKey>()
  return (publicKey) => {
    if (of !== store.document) {
      of = store.document
      keys = new Map(of.devices.map((device) => [device.publicKey, device.presharedKey]))
    }
    return keys.get(publicKey)
  }
}
