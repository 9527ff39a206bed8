import { TYPES_ONLY, type Survivor } from './survivor.ts'

export const IN_ALERTS_CORE: readonly Survivor[] = [
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
]
