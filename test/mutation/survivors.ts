/** Mutants that no test kills, and why: none of them changes what anybody could notice. */
interface Survivor {
  readonly path: string
  /** A part of the line that it stands in. */
  readonly at: string
  /** As the report says what they do. */
  readonly mutants: readonly string[]
  readonly why: string
}

const NULL_IS_0 = 'The compiler refuses it, and at run time null compares as 0.'
const TYPES_ONLY = 'It is there for the compiler: who calls has looked already.'
const NOTHING_IS_EMPTY = 'The compiler refuses it, and at run time a set of undefined is an empty one.'

export const SURVIVORS: readonly Survivor[] = [
  {
    path: 'agent/core/asking.ts',
    at: '(heartbeats.lastSentAt ?? 0)',
    mutants: ['heartbeats.lastSentAt ?? 0 → (heartbeats.lastSentAt)'],
    why: NULL_IS_0,
  },
  {
    path: 'agent/core/asking.ts',
    at: 'asking.reconciledAt < (heartbeats.answeredAt ?? -Infinity)',
    mutants: ['heartbeats.answeredAt ?? -Infinity → (heartbeats.answeredAt)', 'Infinity → 0'],
    why: 'No moment is before 0.',
  },
  {
    path: 'agent/core/remediation.ts',
    at: 'sentAt !== null && sentAt >= underWay.since',
    mutants: ['sentAt !== null && sentAt >= underWay.since → (sentAt >= underWay.since)'],
    why: NULL_IS_0,
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'underWay !== null && proving !== null',
    mutants: ['underWay !== null && proving !== null → (proving !== null)'],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'if (underWay === null) return',
    mutants: ['underWay === null → false'],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'return underWay === null',
    mutants: ['underWay === null → false'],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'endpoint === null || remediation.underWay === null',
    mutants: ['endpoint === null || remediation.underWay === null → (endpoint === null)'],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'fallback: null, remediation: NO_REMEDIATION',
    mutants: ['remediation: NO_REMEDIATION → nothing'],
    why: 'The answer that proves it ends the remedy in the next line of its caller.',
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'asking.round?.preferred ?? null',
    mutants: ['asking.round?.preferred ?? null → (asking.round?.preferred)'],
    why: 'It is there for the compiler: undefined is no endpoint either.',
  },
  {
    path: 'agent/core/remediate.ts',
    at: "health.kind === 'offline' && health.cause === cause",
    mutants: ["health.kind === 'offline' && health.cause === cause → (health.cause === cause)"],
    why: 'No other state has one of these causes.',
  },
  {
    path: 'agent/core/remediate.ts',
    at: "health.kind === 'healing' && health.cause === cause",
    mutants: ["health.kind === 'healing' && health.cause === cause → (health.cause === cause)"],
    why: 'No other state has one of these causes.',
  },
  {
    path: 'agent/core/remediate.ts',
    at: 'asking.reconciledAt > (heartbeats.answeredAt ?? -Infinity)',
    mutants: ['heartbeats.answeredAt ?? -Infinity → (heartbeats.answeredAt)', 'Infinity → 0'],
    why: 'No moment is before 0, and a look begun at 0 has nothing before it.',
  },
  {
    path: 'agent/core/events.ts',
    at: 'return [watch, null]',
    mutants: ['return [watch, null] → ;'],
    why: 'The next case finds no answer to a heartbeat in a tick, and does the same.',
  },
  {
    path: 'agent/core/events.ts',
    at: '?.sentAt ?? null',
    mutants: [
      'before.underWay.find((one) => one.sequence === event.sequence)?.sentAt ?? null → (before.underWay.find((one) => one.sequence === event.sequence)?.sentAt)',
    ],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/events.ts',
    at: 'silentMs = 0',
    mutants: ['0 → 1', '0 → (-1)'],
    why: 'A minute is what counts.',
  },
  {
    path: 'agent/core/events.ts',
    at: 'watch.registration.pending?.since ?? now',
    mutants: ['watch.registration.pending?.since ?? now → (watch.registration.pending?.since)'],
    why: 'What ends was under way.',
  },
  {
    path: 'agent/core/events.ts',
    at: 'mtu < watch.pathMtu.mtu',
    mutants: ['< → <='],
    why: 'What it has is never set.',
  },
  {
    path: 'agent/core/events.ts',
    at: 'watch.asking.proofAskedAt ?? now',
    mutants: ['watch.asking.proofAskedAt ?? now → (watch.asking.proofAskedAt)'],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/events.ts',
    at: '(watch.heartbeats.answeredAt ?? -Infinity) >= askedAt',
    mutants: ['watch.heartbeats.answeredAt ?? -Infinity → (watch.heartbeats.answeredAt)', 'Infinity → 0'],
    why: NULL_IS_0,
  },
  {
    path: 'agent/core/evidence.ts',
    at: 'evidence.unknown?.since ?? 0',
    mutants: ['evidence.unknown?.since ?? 0 → (evidence.unknown?.since)', '0 → 1', '0 → (-1)'],
    why: 'Where it is not unknown both branches are null.',
  },
  {
    path: 'agent/core/evidence.ts',
    at: 'silentRounds === 0 && elsewhereRounds > 0',
    mutants: ['silentRounds === 0 && elsewhereRounds > 0 → (elsewhereRounds > 0)'],
    why: 'Each of the two numbers begins anew when the other one grows.',
  },
  {
    path: 'agent/core/evidence.ts',
    at: 'evidence.round?.askedAt ?? 0',
    mutants: ['evidence.round?.askedAt ?? 0 → (evidence.round?.askedAt)', '0 → 1', '0 → (-1)'],
    why: 'A silent round was noted with its number.',
  },
  {
    path: 'agent/core/evidence.ts',
    at: 'view !== null && isMissed',
    mutants: ['view !== null && isMissed → (isMissed)'],
    why: 'The hub was reached since its view came: without a view nothing is missed since.',
  },
  {
    path: 'agent/core/evidence.ts',
    at: 'round?.current === null || round === null',
    mutants: ['round?.current === null || round === null → (round?.current === null)'],
    why: TYPES_ONLY,
  },
  {
    path: 'agent/core/fallback.ts',
    at: 'transport: 0',
    mutants: ['0 → (-1)'],
    why: 'It is never less than the other wait, which is none or longer.',
  },
  {
    path: 'agent/core/fallback.ts',
    at: 'failures === 0 ? 0 :',
    mutants: ['0 → (-1)'],
    why: 'It is never less than the stay, which is none or longer.',
  },
  {
    path: 'agent/core/health.ts',
    at: 'endsAt(health) ?? Infinity',
    mutants: ['endsAt(health) ?? Infinity → (endsAt(health))', 'Infinity → 0'],
    why: 'Both of these states end.',
  },
  {
    path: 'agent/core/health.ts',
    at: 'return health',
    mutants: ['return health → ;'],
    why: 'The next case does the same.',
  },
  {
    path: 'agent/core/health.ts',
    at: 'return sentAt - health.since < HOPEFUL_MS ? 1_000 : 5_000',
    mutants: ['return sentAt - health.since < HOPEFUL_MS ? 1_000 : 5_000 → ;'],
    why: 'The next case does the same but for a cause that has no remedy.',
  },
  {
    path: 'agent/core/evidence.ts',
    at: 'handshakeSeconds * 1_000 - silentMs >= renewedByMs',
    mutants: [
      'handshakeSeconds !== null && handshakeSeconds * 1_000 - silentMs >= renewedByMs → (handshakeSeconds * 1_000 - silentMs >= renewedByMs)',
    ],
    why: NULL_IS_0,
  },
  {
    path: 'agent/core/heartbeats.ts',
    at: 'Math.max(0, beats.missesInARow',
    mutants: ['0 → (-1)'],
    why: 'A list of length -1 is empty too.',
  },
  {
    path: 'agent/core/heartbeats.ts',
    at: "outcomes[index - 1] !== 'missed'",
    mutants: ['- → +'],
    why: 'Rows have as many ends as beginnings.',
  },
  {
    path: 'agent/core/heartbeats.ts',
    at: '0.1 / 17_280',
    mutants: ['17_280 → 17281', '17_280 → 17279'],
    why: 'No loss ratio of a hundred heartbeats lies between the two.',
  },
  {
    path: 'agent/core/ledger.ts',
    at: 'silentMs = 0',
    mutants: ['0 → 1', '0 → (-1)'],
    why: 'A minute is what counts.',
  },
  {
    path: 'agent/core/ledger.ts',
    at: 'from?.endpoint ?? null',
    mutants: ['from?.endpoint ?? null → (from?.endpoint)'],
    why: 'It is there for the compiler: undefined is no endpoint either.',
  },
  {
    path: 'agent/core/path-mtu.ts',
    at: 'Math.max(...passed, 0)',
    mutants: ['0 → (-1)'],
    why: 'Neither is a size.',
  },
  {
    path: 'agent/core/path-mtu.ts',
    at: 'largest > 0',
    mutants: ['0 → 1'],
    why: 'The smallest size that is asked is 1000.',
  },
  {
    path: 'agent/core/registration.ts',
    at: 'registration.succeededAt ?? -Infinity',
    mutants: [
      'registration.succeededAt ?? -Infinity → (registration.succeededAt)',
      '-Infinity → Infinity',
      'Infinity → 0',
    ],
    why: 'Until the first one succeeded or failed, it is due since the start.',
  },
  {
    path: 'agent/core/registration.ts',
    at: "pending?.reason ?? 'periodic'",
    mutants: ["pending?.reason ?? 'periodic' → (pending?.reason)"],
    why: 'What ends was under way.',
  },
  {
    path: 'agent/core/watch.ts',
    at: 'inUseUntil: -Infinity',
    mutants: ['Infinity → 0'],
    why: 'No heartbeat is sent before 0.',
  },
  {
    path: 'agent/core/watch.ts',
    at: 'asking === watch.asking && pathMtu === watch.pathMtu',
    mutants: ['asking === watch.asking && pathMtu === watch.pathMtu → false'],
    why: 'A copy is as good.',
  },
  {
    path: 'agent/core/watch.ts',
    at: '(heartbeats.lastSentAt ?? 0)',
    mutants: ['heartbeats.lastSentAt ?? 0 → (heartbeats.lastSentAt)'],
    why: NULL_IS_0,
  },
  {
    path: 'agent/core/watch.ts',
    at: 'if (lastSentAt === null) return -Infinity',
    mutants: ['Infinity → 0'],
    why: 'No moment is before 0.',
  },
  {
    path: 'alerts/core/intake.ts',
    at: 'if (oldest === undefined) break',
    mutants: ['oldest === undefined → false'],
    why: TYPES_ONLY,
  },
  {
    path: 'alerts/core/rules.ts',
    at: 'if (open === null || open.wellSince !== null) return state',
    mutants: ['open === null || open.wellSince !== null → (open.wellSince !== null)'],
    why: TYPES_ONLY,
  },
  {
    path: 'alerts/core/rules.ts',
    at: "isThere(key.split('/')[0] ?? '')",
    mutants: ["key.split('/')[0] ?? '' → (key.split('/')[0])"],
    why: 'It is there for the compiler: what is split has a first part.',
  },
  {
    path: 'hub/core/devices.ts',
    at: 'expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime()',
    mutants: [
      'expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime() → (Date.parse(expiresAt) <= now.getTime())',
    ],
    why: 'The compiler refuses it, and at run time no time is NaN, which is before nothing.',
  },
  {
    path: 'hub/core/devices.ts',
    at: 'refuseOddServices(document, { home,',
    mutants: ['homes === null → false'],
    why: 'The compiler refuses it, and at run time null is as good as absent.',
  },
  {
    path: 'hub/core/device-files.ts',
    at: 'if (before.devices === after.devices) return after',
    mutants: ['before.devices === after.devices → false'],
    why: 'It saves the work: where no device is new, none is found that is.',
  },
  {
    path: 'hub/core/forwarded-ports.ts',
    at: 'outgoing === true ? { outgoing } : {}',
    mutants: ['outgoing === true → true'],
    why: 'The compiler refuses it, and at run time undefined is as good as absent.',
  },
  {
    path: 'hub/core/forwarded-ports.ts',
    at: 'return starts',
    mutants: [
      'starts .map((first, index) => ({ port: first, lastPort: ends[index] ?? lastPort })) .filter((range) => range.port <= range.lastPort) → starts .map((first, index) => ({ port: first, lastPort: ends[index] ?? lastPort }))',
    ],
    why: 'A range without a port makes no entry.',
  },
  {
    path: 'hub/core/forwarded-ports.ts',
    at: 'const ends = [',
    mutants: ['lastPort → nothing'],
    why: 'It is the end of what has none.',
  },
  {
    path: 'hub/core/forwarded-ports.ts',
    at: 'ends[index] ?? lastPort',
    mutants: ['ends[index] ?? lastPort → (ends[index])'],
    why: TYPES_ONLY,
  },
  {
    path: 'hub/core/invitation.ts',
    at: 'known?.lan ?? []',
    mutants: ['known?.lan ?? [] → (known?.lan)'],
    why: NOTHING_IS_EMPTY,
  },
  {
    path: 'hub/core/joining.ts',
    at: 'other === invite && invite.use !== null ?',
    mutants: ['other === invite && invite.use !== null → (other === invite)'],
    why: TYPES_ONLY,
  },
  {
    path: 'hub/core/registration.ts',
    at: 'caller.secretHash === nextSecretHash && nextSecretHash !== undefined',
    mutants: [
      'caller.secretHash === nextSecretHash && nextSecretHash !== undefined → (caller.secretHash === nextSecretHash)',
    ],
    why: TYPES_ONLY,
  },
  {
    path: 'hub/core/tunnel-network.ts',
    at: "addresses[0] ?? '10.86.0.0'",
    mutants: ["addresses[0] ?? '10.86.0.0' → (addresses[0])"],
    why: 'It is there for the compiler: where nobody has an address, the first network holds all of them.',
  },
  {
    path: 'hub/core/store-document.ts',
    at: '{ tcp: 0, udp: 0 }',
    mutants: ['0 → (-1)'],
    why: 'The lowest port is 1.',
  },
]
