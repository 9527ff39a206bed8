import type { TunnelRepair } from '../adapter.ts'
import { done, type Exec, Refused } from './ssh/exec.ts'
import { restartInterface } from './change/restart-interface.ts'
import { wgSetPeer } from './uci/wg-set.ts'

/** IANA's dynamic ports (RFC 6335, section 6). */
const FIRST_PORT = 49_152
const PORTS = 16_384
const IFUP_MS = 20_000
const COMMAND_MS = 10_000

/** Executes a remedy on the running tunnel. Nothing configured changes: the next plan is as empty as before. */
export async function executeRepair(remedy: TunnelRepair, exec: Exec, signal: AbortSignal): Promise<void> {
  const { interface: name } = remedy
  switch (remedy.kind) {
    case 'new-source-port':
      await done(exec, newSourcePort(remedy), { signal })
      return
    case 'new-session':
      await done(exec, newSession(remedy), { signal, timeoutMs: remedy.silentSeconds * 1_000 + COMMAND_MS })
      return
    case 'forget-flow': {
      const { address, port } = remedy.endpoint
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      const outcome = await exec(
        `conntrack -D -f ${family} -p udp --orig-dst ${address} --orig-port-dst ${port} 2>&1`,
        { signal },
      )
      // conntrack(8) ends with 1 when there was no such flow, which is also fine.
      if (outcome.code !== 0 && !/\b0 flow entries\b/.test(outcome.stdout)) throw new Refused(outcome)
      return
    }
    case 'rebuild': {
      const { stdout, stderr } = await exec(restartInterface(name), { signal, timeoutMs: IFUP_MS })
      // ifup ends with 0 even if there is no such interface.
      if (/not found/i.test(`${stdout}${stderr}`)) throw new TypeError(`the router has no interface ${name}`)
      return
    }
    default:
      return remedy satisfies never
  }
}

/**
 * The script for a new source port. A new port by itself sends nothing, so nobody would learn of it before the next
 * packet. Keepalive off and on sends an empty packet at once (drivers/net/wireguard/netlink.c, set_peer).
 */
function newSourcePort({
  interface: name,
  peer,
  keepaliveSeconds,
}: Extract<TunnelRepair, { kind: 'new-source-port' }>): string {
  const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
  const again = FIRST_PORT + Math.floor(Math.random() * PORTS)
  const keepalive = (seconds: number): string => `wg set ${name} peer '${peer}' persistent-keepalive ${seconds}`
  // A port may be in use; two in a row hardly are.
  return `{ wg set ${name} listen-port ${port} || wg set ${name} listen-port ${again}; } && ${keepalive(0)} && ${keepalive(keepaliveSeconds)}`
}

/** Takes the peer out, waits, and puts it in: in the background and without output, so that it completes without us. */
function newSession({ interface: name, peer, silentSeconds }: Extract<TunnelRepair, { kind: 'new-session' }>): string {
  const back = wgSetPeer(name, peer)
  return `wg show ${name} peers | grep -qF '${peer.publicKey}' || { echo '${name} has no such peer' >&2; exit 1; }
(wg set ${name} peer '${peer.publicKey}' remove; sleep ${Math.ceil(silentSeconds)}; ${back}) </dev/null >/dev/null 2>&1 &
wait
wg show ${name} peers | grep -qF '${peer.publicKey}' || { echo '${name} did not take its peer back' >&2; exit 1; }`
}
