import { sleep } from '../../system/time/sleep.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import type { TunnelRepair } from '../adapter.ts'
import { Trap } from './api/api.ts'
import type { Row } from './api/session.ts'
import { set } from './objects/change.ts'
import { forgetFlow } from './conntrack.ts'
import { belongsTo, findOwn } from './objects/ours.ts'
import { isTrue } from './api/flag.ts'
import { isRunning, startJob } from './rollback/job.ts'
import { MENUS, readMenu } from './objects/menus.ts'
import type { Place } from './objects/place.ts'
import { freePort } from './objects/port.ts'
import { quote } from './rollback/undo-script.ts'

/** How long between two checks whether a script has ended. */
const POLL_MS = 100

/** Executes a remedy: changes the running tunnel, and nothing of what is wanted. */
export async function executeRepair(remedy: TunnelRepair, place: Place): Promise<void> {
  switch (remedy.kind) {
    case 'new-source-port':
      return newSourcePort(remedy, place)
    case 'new-session':
      return newSession(remedy, place)
    case 'forget-flow':
      return forgetFlow(remedy.interface, remedy.endpoint, place)
    case 'rebuild':
      return rebuild(remedy.interface, place)
    default:
      return remedy satisfies never
  }
}

/**
 * Moves the interface to a new source port. A new port by itself sends nothing, and keepalive off and on by itself
 * keeps the old flow; after both, the hub follows with the next packet. If this is cut off, the next plan puts the
 * keepalive back.
 */
async function newSourcePort(
  { interface: name, peer: key, keepaliveSeconds }: Extract<TunnelRepair, { kind: 'new-source-port' }>,
  place: Place,
): Promise<void> {
  const [interfaces, peers] = await Promise.all([
    readMenu(place.exec, 'interface', place.signal),
    readMenu(place.exec, 'peer', place.signal),
  ])
  const own = ownInterface(name, interfaces)
  const peer = ownPeer(name, key, peers)
  await set('interface', own, { 'listen-port': String(freePort(interfaces)) }, place)
  await set('peer', { ...peer, 'persistent-keepalive': '' }, { 'persistent-keepalive': '0s' }, place)
  await set('peer', { ...peer, 'persistent-keepalive': '' }, { 'persistent-keepalive': `${keepaliveSeconds}s` }, place)
}

/** Takes the peer out, waits, and puts it in: one script on the router, so that it completes even if we die. */
async function newSession(
  { interface: name, peer: spec, silentSeconds }: Extract<TunnelRepair, { kind: 'new-session' }>,
  place: Place,
): Promise<void> {
  const find = async (): Promise<Row> => ownPeer(name, spec.publicKey, await readMenu(place.exec, 'peer', place.signal))
  const peer = await find()
  const { path } = MENUS.peer
  const which = `[find where public-key=${quote(spec.publicKey)} and interface=${quote(name)}]`
  const wanted = Object.entries(endpointWords(spec)).map(([word, value]) => ` ${word}=${quote(value)}`)
  const script = [
    `${path}/set ${which} disabled=yes`,
    ...(silentSeconds > 0 ? [`:delay ${silentSeconds}s`] : []),
    `${path}/set ${which} disabled=no${wanted.join('')}`,
  ].join('\n')
  if (await ranToItsEnd(script, silentSeconds, place)) if (!isTrue((await find())['disabled'])) return
  // This router runs no scripts for this user, or not to their end.
  if (!isTrue(peer['disabled'])) await set('peer', { ...peer, disabled: 'no' }, { disabled: 'yes' }, place)
  await sleep(silentSeconds * 1_000, place.signal)
  await set('peer', { ...peer, disabled: 'yes' }, { disabled: 'no', ...endpointWords(spec) }, place)
}

function endpointWords({ endpoint }: PeerSpec): Readonly<Record<string, string>> {
  return endpoint === null ? {} : { 'endpoint-address': endpoint.address, 'endpoint-port': String(endpoint.port) }
}

/** Takes the interface down and up: new sockets, new sessions, the same key. */
async function rebuild(name: string, place: Place): Promise<void> {
  const own = async (): Promise<Row> => ownInterface(name, await readMenu(place.exec, 'interface', place.signal))
  const found = await own()
  const { path } = MENUS.interface
  const which = `[find where name=${quote(name)}]`
  const script = `${path}/set ${which} disabled=yes\n:delay 1s\n${path}/set ${which} disabled=no`
  if (await ranToItsEnd(script, 1, place)) if (!isTrue((await own())['disabled'])) return
  await set('interface', { ...found, disabled: 'no' }, { disabled: 'yes' }, place)
  await set('interface', { ...found, disabled: 'yes' }, { disabled: 'no' }, place)
}

/** @returns false when the router would not run the script. A call-off ends only the wait: the router goes on. */
async function ranToItsEnd(script: string, seconds: number, place: Place): Promise<boolean> {
  try {
    const id = await startJob(script, place)
    // A short script is over before it could be seen.
    if (id === null) return true
    await sleep(seconds * 1_000, place.signal)
    while (await isRunning(id, place)) await sleep(POLL_MS, place.signal)
    return true
  } catch (thrown) {
    if (thrown instanceof Trap) return false
    throw thrown
  }
}

function ownInterface(name: string, rows: readonly Row[]): Row {
  const own = findOwn(name, rows)
  if (own === undefined) throw new TypeError(`there is no interface ${name} of homeward on it`)
  return own
}

function ownPeer(name: string, publicKey: string, rows: readonly Row[]): Row {
  const peer = rows.find((row) => row['public-key'] === publicKey && belongsTo(name, row))
  if (peer === undefined) throw new TypeError(`${name} has no peer ${publicKey}`)
  return peer
}
