import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { openAuditLog, readAuditLog } from '../../hub/audit/audit-log.ts'
import type { AuditEntry } from '../../hub/audit/entries.ts'
import { makeAuthentication } from '../../hub/registrar/authentication.ts'
import { makeCallBudget } from '../../hub/registrar/call-budget.ts'
import { transportUpgrade } from '../../hub/registrar/transport-upgrade.ts'
import { makeTransports } from '../../hub/transport/transports.ts'
import { makeCertificate } from '../../hub/settings/certificate.ts'
import { HubConfigSchema } from '../../hub/settings/config.ts'
import { type OwnIdentity, openIdentity } from '../../hub/settings/own-identity.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { makeSettings } from '../../hub/settings/settings.ts'
import type { Hub } from '../../hub/service/hub.ts'
import { makeHub } from '../../hub/service/make-hub.ts'
import type { Alarm, HubDeps } from '../../hub/service/hub-deps.ts'
import { openRegistrar } from '../../hub/registrar/registrar-server.ts'
import { registrarApp } from '../../hub/registrar/registrar.ts'
import { EMPTY_DOCUMENT } from '../../hub/core/store-document.ts'
import { openHeardOnce } from '../../hub/presence/kept/heard-once.ts'
import { openMappings } from '../../hub/presence/kept/mappings.ts'
import { openStore, type Store } from '../../hub/store/store.ts'
import { storeText } from '../../hub/store/store-file.ts'
import { openLastEndpoints } from '../../hub/presence/kept/last-endpoints.ts'
import { makePeerMonitor } from '../../hub/presence/peer-monitor.ts'
import { JoinAnswer, type JoinRequest } from '../../protocol/messages.ts'
import { callRegistrar, type Registrar } from '../../protocol/registrar-client.ts'
import { parseToken } from '../../protocol/token.ts'
import { privateKeyFrom, type PublicKey } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { makePeerView } from '../../hub/presence/peer-view.ts'
import { captureLog } from './captured-log.ts'
import { type PaperMachine, paperMachine } from './paper-machine.ts'
import { type TurnedClock, turnedClock } from './turned-clock.ts'

/** A whole hub with its registrar on loopback; only the machine under it is of paper. */
export interface LoopbackHub {
  readonly hub: Hub
  readonly identity: OwnIdentity
  readonly store: Store
  readonly machine: PaperMachine
  readonly clock: TurnedClock
  readonly registrar: Registrar
  readonly lines: readonly Record<string, unknown>[]
  readonly logged: (message: string) => readonly Record<string, unknown>[]
  readonly audit: () => Promise<readonly AuditEntry[]>
  readonly close: () => Promise<void>
}

export const newKey = (): PublicKey => publicKeyOf(privateKeyFrom(randomBytes(32)))
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** A hub on a machine of paper, with what remembers in files of its own; what stands in `more` takes the place of that. */
export async function paperHub<Opened extends Alarm = null>(port = 51_820, more: Partial<HubDeps<Opened>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-hub-'))
  const path = join(folder, 'store.json')
  await writeFile(path, storeText(EMPTY_DOCUMENT), { mode: 0o600 })
  const paths = hubPaths({ configDir: folder, stateDir: folder, runtimeDir: folder })
  const tls = makeCertificate(['127.0.0.1'])
  await writeFile(paths.privateKey, `${privateKeyFrom(randomBytes(32))}\n`, { mode: 0o600 })
  await writeFile(paths.tlsKey, tls.key, { mode: 0o600 })
  await writeFile(paths.certificate, tls.certificate)
  const identity = await openIdentity(paths)
  const [machine, clock, { log, lines }] = [paperMachine(), turnedClock(), captureLog()]
  const store = await openStore(path, 'of the test', clock)
  const transports = makeTransports(clock, log)
  // Nobody's WireGuard: it sees no peer.
  const peerMonitor = makePeerMonitor(
    () => 'hw0',
    clock,
    log,
    async () => '(hidden)\t(none)\t51820\toff\n',
  )
  const audit = openAuditLog(join(folder, 'audit'), clock, log)
  const { hub, alerting } = await makeHub<Opened>({
    settings: makeSettings(v.parse(HubConfigSchema, { addresses: ['127.0.0.1'], network: '10.86.0.0/24', port })),
    identity,
    store,
    adapter: machine,
    peerMonitor,
    lastEndpoints: await openLastEndpoints(join(folder, 'whereabouts.json'), clock, log),
    mappings: await openMappings(join(folder, 'mappings.json'), clock, log),
    heardOnce: await openHeardOnce(join(folder, 'heard.json'), clock, log),
    audit,
    heartbeats: null,
    transports,
    echoes: null,
    openAlerting: async () => null as Opened,
    // As if each address had shaken hands a second ago.
    viewOf: makePeerView(peerMonitor, null, async () => 1),
    ownNetworks: async () => [],
    servedPorts: async () => new Set([53]),
    clock,
    log,
    ...more,
  })
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const readAudit = async (): Promise<readonly AuditEntry[]> => {
    await audit.settled()
    return await readAuditLog(join(folder, 'audit'), null)
  }
  return { hub, alerting, store, machine, clock, log, lines, transports, identity, readAudit, remove }
}

/** @param port what hub.yaml says; the registrar takes a free one all the same. */
export async function loopbackHub(port = 51_820, more: Partial<HubDeps<Alarm>> = {}): Promise<LoopbackHub> {
  const { hub, store, machine, clock, log, lines, transports, identity, readAudit, remove } = await paperHub<Alarm>(
    port,
    more,
  )
  await hub.reconcile()
  const authentication = makeAuthentication(hub, clock, log)
  const server = await openRegistrar(
    registrarApp(hub, authentication, makeCallBudget(clock, log), log),
    identity.tls,
    0,
    transportUpgrade(authentication, transports),
    () => false,
  )
  identity.onChange(() => server.present(identity.tls))
  return {
    hub,
    identity,
    store,
    machine,
    clock,
    registrar: { host: '127.0.0.1', port: server.port, certificate: identity.fingerprint },
    lines,
    audit: readAudit,
    logged: (message) => lines.filter((line) => line['msg'] === message),
    close: async () => {
      await server.close()
      await hub.close()
      await remove()
    },
  }
}

export async function joinRequestFor(
  { hub }: Pick<LoopbackHub, 'hub'>,
  home: string,
  lan: string[] = [],
): Promise<JoinRequest> {
  const { token } = await hub.invite({ home, lan, expiresInMs: 3_600_000 })
  const { joinSecret } = parseToken(token)
  return { version: 1, joinSecret, publicKey: newKey(), homeSecret: newSecret(), lan: [], preview: false }
}

/** Over the wire, as a home does it. */
export async function joinAs(
  scene: LoopbackHub,
  home: string,
  lan: string[] = [],
): Promise<{ readonly request: JoinRequest; readonly answer: JoinAnswer; readonly bearer: string }> {
  const request = await joinRequestFor(scene, home, lan)
  const answer = await callRegistrar(scene.registrar, {
    method: 'POST',
    path: '/v1/join',
    body: request,
    answer: JoinAnswer,
  })
  return { request, answer, bearer: `${home}.${request.homeSecret}` }
}
