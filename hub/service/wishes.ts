import { randomBytes } from 'node:crypto'
import { Problem } from '../../problems/problem.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Log } from '../../system/process/log.ts'
import type { Principal } from '../core/devices.ts'
import {
  noteRequest,
  openRequests,
  refuseRequest,
  type WaitingRequest,
  type Wish,
  wishText,
} from '../rights/requests.ts'
import { RightMissing } from '../rights/rights.ts'
import type { WaitingRequests } from '../store/waiting-requests.ts'

/** Wishes of homes beyond their rights, until the hub's owner has spoken. */
export interface Wishes {
  /** Runs what somebody asks for. Where a home lacks only the right, the wish waits, and the refusal names its number. */
  readonly asking: <Answer>(
    principal: Principal,
    wishOf: (missing: RightMissing) => Wish,
    act: () => Promise<Answer>,
  ) => Promise<Answer>
  /** Notes a wish that nothing has to fail for. */
  readonly note: (home: string, wish: Wish) => Promise<WaitingRequest>
  /** Those that the owner has not spoken about. */
  readonly list: () => readonly WaitingRequest[]
  /** A refused one too: the owner may think again. @throws {Problem} `request-missing`. */
  readonly find: (id: string) => WaitingRequest
  readonly refuse: (request: WaitingRequest) => Promise<void>
  readonly remove: (request: WaitingRequest) => Promise<void>
}

export interface WishesDeps {
  readonly kept: WaitingRequests
  readonly audit: Pick<AuditLog, 'note'>
  readonly today: () => Date
  readonly log: Log
}

export function makeWishes({ kept, audit, today, log }: WishesDeps): Wishes {
  async function note(home: string, wish: Wish): Promise<WaitingRequest> {
    const { requests, request, isNew } = noteRequest(kept.current, home, wish, freshId, today())
    if (!isNew) return request
    log.warn({ home, request: request.id, asks: wishText(wish) }, 'a home asks for what only the hub’s owner may allow')
    await kept.take(requests)
    audit.note([{ home, by: 'home', act: 'asked', what: `to ${wishText(wish)} (${request.id})`, about: request.id }])
    return request
  }

  return {
    asking: async (principal, wishOf, act) => {
      try {
        return await act()
      } catch (thrown) {
        if (principal === null || !(thrown instanceof Problem)) throw thrown
        const { code, what, why: said } = thrown
        audit.note([{ home: principal.name, by: 'home', act: 'refused', what: `${what}: ${said}`.slice(0, 400), code }])
        if (!(thrown instanceof RightMissing)) throw thrown
        const { id } = await note(principal.name, wishOf(thrown))
        const why = `${thrown.why}. It was noted there: sudo homeward hub approve ${id}`
        throw new Problem('right-missing', { what: thrown.what, why, cause: thrown })
      }
    },
    note,
    list: () => openRequests(kept.current, today()).filter(({ refused }) => refused !== true),
    find: (id) => {
      const found = openRequests(kept.current, today()).find((one) => one.id === id)
      if (found !== undefined) return found
      throw new Problem('request-missing', { what: `looking for the request ${id}`, why: 'no home asks for that' })
    },
    refuse: ({ id }) => kept.take(refuseRequest(kept.current, id)),
    remove: (request) => kept.take(kept.current.filter((one) => one.id !== request.id)),
  }
}

/** Short enough to be typed from a telephone's message; 32 characters that no two of are alike (RFC 4648, 6). */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

function freshId(): string {
  return `r-${[...randomBytes(4)].map((byte) => LETTERS.charAt(byte % LETTERS.length)).join('')}`
}
