import type { Counted } from './quotas.ts'
import { type WaitingRequest, wishText } from './requests.ts'
import type { Right } from './rights.ts'

/** A wish as its owner reads it. */
export interface ListedRequest {
  readonly id: string
  readonly home: string
  /** Reads on from `asks to`. */
  readonly asks: string
  readonly at: string
}

/** What a home may do, and how much of it is used. */
export interface MemberFacts {
  readonly home: string
  /** False: somebody is invited to it. */
  readonly joined: boolean
  readonly may: readonly Right[]
  readonly quota: Readonly<Record<Counted, number>>
  readonly used: Readonly<Record<Counted, number>>
  readonly lan: readonly string[]
  /** Networks that it may announce by itself. */
  readonly granted: readonly string[]
  readonly requests: readonly ListedRequest[]
}

export function listed({ id, home, wish, at }: WaitingRequest): ListedRequest {
  return { id, home, asks: wishText(wish), at }
}

/** Requests as notes of the hub's status. */
export function requestNotes(requests: readonly WaitingRequest[]): readonly string[] {
  return requests.map(({ id, home, wish }) => `${home} asks to ${wishText(wish)}: sudo homeward hub approve ${id}`)
}
