import { TYPES_ONLY, NOTHING_IS_EMPTY, type Survivor } from './survivor.ts'

export const IN_HUB_CORE: readonly Survivor[] = [
  {
    path: 'hub/core/invitation.ts',
    at: "input.quota ?? '', what)",
    mutants: ["input.quota ?? '' → (input.quota)"],
    why: 'The compiler refuses it, and at run time no text of undefined or null speaks of prefixes.',
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
