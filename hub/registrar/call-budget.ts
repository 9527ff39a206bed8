import { Problem } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'

/** What a home asks for, by what it costs the hub: a write and a change of the machine, a look at its packets, an answer. */
export type CallKind = 'register' | 'change' | 'list' | 'check' | 'arrivals' | 'alert-test' | 'drill'

/** How many calls a home may make at once, and how many a minute go on for ever: more than any agent or person makes. */
const BUDGETS: Readonly<
  Record<CallKind, { readonly burst: number; readonly perMinute: number; readonly said: string }>
> = {
  register: { burst: 60, perMinute: 20, said: 'registrations' },
  change: { burst: 240, perMinute: 20, said: 'changes' },
  list: { burst: 120, perMinute: 60, said: 'lists' },
  check: { burst: 60, perMinute: 10, said: 'checks' },
  arrivals: { burst: 20, perMinute: 5, said: 'looks at its packets' },
  drill: { burst: 24, perMinute: 1, said: 'drills' },
  'alert-test': { burst: 20, perMinute: 5, said: 'tests of alerts' },
}

/** How many of a kind may be under way for one home: this machine has one watch of packets, and one stranger, for all. */
const AT_ONCE: Partial<Record<CallKind, number>> = { arrivals: 1, change: 4, check: 4, drill: 1 }

const TOLD_EVERY_MS = 60_000

/** Keeps one home from keeping the hub busy: whoever holds its secret is still that home. */
export interface CallBudget {
  /** Runs the call. @throws {Problem} its own, or `rate-limited`. */
  readonly spend: <Answer>(home: string, kind: CallKind, call: () => Promise<Answer>) => Promise<Answer>
}

interface Bucket {
  calls: number
  at: number
  underWay: number
  toldAt: number
}

export function makeCallBudget(clock: Clock, log: Log): CallBudget {
  const buckets = new Map<string, Bucket>()

  function bucketOf(home: string, kind: CallKind): Bucket {
    const key = `${home} ${kind}`
    const { burst, perMinute } = BUDGETS[kind]
    const now = clock.now()
    const before = buckets.get(key) ?? { calls: burst, at: now, underWay: 0, toldAt: -Infinity }
    before.calls = Math.min(burst, before.calls + ((now - before.at) / 60_000) * perMinute)
    before.at = now
    buckets.set(key, before)
    return before
  }

  function refuse(bucket: Bucket, home: string, kind: CallKind, why: string): Problem {
    if (clock.now() - bucket.toldAt >= TOLD_EVERY_MS) {
      bucket.toldAt = clock.now()
      log.warn({ home, kind }, 'a home asks more than the hub answers')
    }
    return new Problem('rate-limited', { what: 'asking the hub', why })
  }

  return {
    spend: async (home, kind, call) => {
      const bucket = bucketOf(home, kind)
      const { burst, perMinute, said } = BUDGETS[kind]
      const atOnce = AT_ONCE[kind] ?? Infinity
      if (bucket.underWay >= atOnce)
        throw refuse(
          bucket,
          home,
          kind,
          `the hub takes ${atOnce} of a home’s ${said} at once, and so many are under way`,
        )
      if (bucket.calls < 1)
        throw refuse(
          bucket,
          home,
          kind,
          `a home has ${burst} ${said}, and then ${perMinute} a minute; this one has had them`,
        )
      bucket.calls -= 1
      bucket.underWay += 1
      try {
        return await call()
      } finally {
        bucket.underWay -= 1
      }
    },
  }
}
