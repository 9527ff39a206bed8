import { reportedWord } from '../../protocol/incidents.ts'
import type { Trouble } from '../core/trouble.ts'

/** The words about a trouble for people. All advice is here, and a trouble without it does not compile. */
interface Words {
  /** The trouble, after the home's name: `cabin: no way in from outside`. */
  readonly title: string
  /** The cause in a few words, within a sentence: `repairing: UDP is blocked on this line`. */
  readonly named: string
  /** Why, as one sentence. */
  readonly why: string
  /** The action that people can take, as sentences. */
  readonly advice: string
  /** The end of it, before the time that it took; default: `back online`. */
  readonly over?: string
  /** How long the trouble lasts before anybody is told; default: 30. */
  readonly pendingSeconds?: number
}

const HEALS = 'Nothing for now: homeward keeps trying, and tells you when it is over.'

export const TROUBLES = {
  unknown: {
    title: 'the tunnel is down',
    named: 'cause unknown',
    why: 'Nothing comes through the tunnel, and the cause is not proven yet.',
    advice: `${HEALS} homeward status at home shows what it knows.`,
  },
  'home-offline': {
    title: 'the home’s internet is down',
    named: 'the home’s internet is down',
    why: 'The home’s own line does not work: its gateway, or everything outside, does not answer.',
    advice: 'Check the modem and the router at home, or ask the carrier whether there is an outage.',
  },
  'hub-down': {
    title: 'the hub is down',
    named: 'the hub does not answer',
    why: 'The home’s line works, and the hub answers neither by UDP nor by TCP.',
    advice:
      'Check in the provider’s console that the VPS is running. If it is, homeward hub status there says what it sees of this home.',
  },
  'home-unknown': {
    title: 'the hub does not know this home',
    named: 'the hub does not know this home',
    why: 'The hub answers that it knows no home with this name and secret: it was removed there, or the hub’s state was restored from an older backup.',
    advice:
      'On the hub: homeward hub invite HOME. Then at home, with the token that it prints: sudo homeward join --again TOKEN. If the hub’s state is put back, the home comes back by itself.',
  },
  'identity-twice': {
    title: 'two machines have this home’s identity',
    named: 'another machine has this home’s key and secret',
    why: 'The hub hears two machines with this home’s key and secret, and each takes the tunnel from the other: the card was copied, or taken.',
    advice:
      'On the hub: sudo homeward hub revoke-other HOME. Then, on the machine that stays, with the token that it prints: sudo homeward join --again TOKEN.',
  },
  'mapping-changed': {
    title: 'the carrier moved the tunnel',
    named: 'the carrier changed this home’s address or port',
    why: 'The carrier gave the tunnel another address or port.',
    advice: 'Nothing: the tunnel followed by itself. homeward events --csv lists such changes for the carrier.',
    pendingSeconds: 60,
  },
  'flow-dead': {
    title: 'the tunnel is down',
    named: 'this connection no longer reaches the hub',
    why: 'The hub hears nothing of the tunnel, though it hears the home beside it: an old entry in a NAT, or a blocked flow.',
    advice: HEALS,
  },
  'return-dead': {
    title: 'the tunnel is down',
    named: 'the hub’s answers no longer arrive',
    why: 'The hub hears the home, and its answers do not arrive.',
    advice: HEALS,
  },
  'port-blocked': {
    title: 'the tunnel is down',
    named: 'one port of the hub does not get through',
    why: 'The port of the hub that the tunnel goes to does not answer this home, and another port of the hub does.',
    advice: `${HEALS} Where its packets end is not known: homeward hub status on the VPS says whether something there stops them.`,
  },
  'udp-blocked': {
    title: 'UDP is blocked',
    named: 'UDP is blocked on this line',
    why: 'No UDP gets through to the hub, TCP does.',
    advice: `${HEALS} Meanwhile the tunnel goes over TCP, slower.`,
  },
  'peer-unknown': {
    title: 'the tunnel is down',
    named: 'the hub’s WireGuard has lost this home',
    why: 'The hub’s WireGuard no longer knows this home.',
    advice: `${HEALS} If it happens again, look for what else changes WireGuard on the hub.`,
  },
  'endpoint-moved': {
    title: 'the hub has moved',
    named: 'the hub has moved to another address',
    why: 'The hub’s name now resolves to another address.',
    advice: HEALS,
  },
  'session-lost': {
    title: 'the tunnel is down',
    named: 'the WireGuard session was lost',
    why: 'One end of the tunnel was restarted and lost its session.',
    advice: HEALS,
  },
  'handshake-blocked': {
    title: 'the tunnel is down',
    named: 'WireGuard’s handshakes are dropped on this line',
    why: 'Data of the tunnel passed until its key ended, and no handshake passed for a new one: something on the way, such as a firewall that inspects packets, drops them.',
    advice: `${HEALS} The tunnel then goes over TLS. Ask who runs this network, or the carrier, not to block WireGuard.`,
  },
  'handshake-refused': {
    title: 'the tunnel is down',
    named: 'the hub refuses this home’s handshakes',
    why: 'The hub hears the home’s handshakes and does not take them: the home’s clock went back, or a key is wrong.',
    advice: `${HEALS} A Pi without a battery for its clock needs a time server: timedatectl shows whether it has one.`,
  },
  'mtu-black-hole': {
    title: 'large packets get lost',
    named: 'large packets get lost',
    why: 'Small packets pass on this line, full-size ones vanish.',
    advice: 'Nothing: both ends send smaller ones now.',
    pendingSeconds: 60,
  },
  drift: {
    title: 'the tunnel was changed from outside',
    named: 'the tunnel was changed from outside',
    why: 'Something of the tunnel was changed or taken away on the machine that it ends on.',
    advice:
      'Look for what else manages its network there. homeward puts it back; it waits while the router’s owner is about to change something there.',
  },
  'home-dark': {
    title: 'no sign of the home',
    named: 'home unreachable',
    why: 'The hub hears nothing from this home: no heartbeat, nothing in the tunnel.',
    advice: 'Most often the home’s internet or its power is down: look at the modem, the router and the Pi there.',
  },
  'agent-silent': {
    title: 'the agent does not answer',
    named: 'the agent does not answer',
    why: 'The tunnel works, but homeward at home is silent: nothing repairs the tunnel now.',
    advice: 'Check it through the tunnel: systemctl status homeward, journalctl -u homeward.',
    pendingSeconds: 180,
  },
  'hub-daemon-silent': {
    title: 'homeward on the hub does not answer',
    named: 'homeward on the hub does not answer',
    why: 'The tunnel works, but homeward on the hub is not running, or hangs: the hub could not notify anyone of an outage.',
    advice: 'Check it on the hub: systemctl status homeward-hub, journalctl -u homeward-hub.',
    pendingSeconds: 120,
  },
  'registrar-unreachable': {
    title: 'the hub’s registrar cannot be reached',
    named: 'the hub’s registrar cannot be reached',
    why: 'The tunnel works, but TCP to the hub’s port does not get through: repairs would be harder without it.',
    advice:
      'Where it ends is not known: homeward hub status on the VPS says whether something there stops it; else it is lost before the VPS, or on this line.',
    pendingSeconds: 900,
  },
  'router-silent': {
    title: 'the router cannot be repaired',
    named: 'the router lets homeward do nothing',
    why: 'The tunnel works, but the router that it ends on does not answer the agent, or refuses it: homeward could not repair anything on it.',
    advice: 'homeward status at home says which, and homeward plan what the router answers.',
    pendingSeconds: 300,
  },
  'key-file-damaged': {
    title: 'the tunnel’s key is lost at the next start',
    named: 'the file of the tunnel’s key is damaged',
    why: 'The tunnel works, but the file of its private key is damaged and could not be written again: the tunnel ends when the machine at home restarts.',
    advice:
      'Check through the tunnel whether the card or disk of that machine is full, read-only or failing. Once it can be written, homeward puts the key back within the hour.',
    over: 'the tunnel’s key is safe again,',
  },
  'hub-file-damaged': {
    title: 'the hub may not start again',
    named: 'a file that the hub needs is damaged',
    why: 'The hub runs, but a file of its keys, or its store, is damaged and could not be written again, or other users of the VPS may read it.',
    advice: 'homeward hub status on the VPS names the file, and what to do.',
    over: 'the hub’s files are whole again,',
  },
  'publication-failing': {
    title: 'visitors do not reach a published service',
    named: 'visitors do not reach a published service',
    why: 'The hub opens its published ports now and then as visitors do. What answered before no longer answers.',
    advice: 'homeward publish check PORT/tcp, at home or on the hub, tests the path again, step by step.',
    pendingSeconds: 60,
  },
} as const satisfies Record<Trouble, Words>

const PENDING_SECONDS = 30

/** The pending time of a trouble, seconds. */
export function pendingSecondsOf(trouble: Trouble): number {
  const words: Words = TROUBLES[trouble]
  return words.pendingSeconds ?? PENDING_SECONDS
}

export const ALL_TROUBLES = Object.keys(TROUBLES) as readonly Trouble[]

/** A cause as somebody reported it, in a few words; one that homeward does not know stays marked as theirs. */
export function namedCause(reported: string): string {
  return isTrouble(reported) ? TROUBLES[reported].named : reportedWord(reported)
}

export function isTrouble(text: string): text is Trouble {
  return Object.hasOwn(TROUBLES, text)
}
