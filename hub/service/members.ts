import { Problem } from '../../problems/problem.ts'
import { portCount } from '../../protocol/publications.ts'
import type { Log } from '../../system/process/log.ts'
import { isExpired } from '../core/devices.ts'
import { give, grantLan } from '../core/given.ts'
import { grantedTo, homeNamed, isOpen, type StoreDocument } from '../core/store-document.ts'
import type { Follow } from '../machine/follow.ts'
import type { Gift } from '../rights/gift.ts'
import { quotaOf } from '../rights/quotas.ts'
import { type ListedRequest, listed, type MemberFacts } from '../rights/member-facts.ts'
import { type WaitingRequest, wishText } from '../rights/requests.ts'
import { rightsOf } from '../rights/rights.ts'
import type { Store } from '../store/store.ts'
import type { Publishing } from './publishing.ts'
import type { Update } from './update.ts'
import type { Wishes } from './wishes.ts'

/** What the hub's owner decides about homes. */
export interface Members {
  /** @throws {Problem} `home-missing`. */
  readonly show: (home: string) => MemberFacts
  /** @throws {Problem} `home-missing`, `wrong-usage`. */
  readonly give: (home: string, gift: Gift) => Promise<MemberFacts>
  readonly requests: () => readonly ListedRequest[]
  /** Fulfils a wish. @throws {Problem} `request-missing`, or why it cannot be fulfilled: then it waits on. */
  readonly approve: (id: string) => Promise<ListedRequest>
  /** Forgets a wish. @throws {Problem} `request-missing`. */
  readonly refuse: (id: string) => Promise<ListedRequest>
}

export interface MembersDeps {
  readonly store: Pick<Store, 'document'>
  readonly update: Update
  readonly wishes: Wishes
  readonly publications: Pick<Publishing, 'add'>
  readonly machine: Pick<Follow, 'follow'>
  /** Lets these homes register soon, who would hear of it within minutes. */
  readonly onDecided: (homes: readonly string[]) => void
  readonly today: () => Date
  readonly log: Log
}

export function makeMembers(deps: MembersDeps): Members {
  const { store, update, wishes, publications, machine, onDecided, today, log } = deps
  const show = (home: string): MemberFacts => {
    const facts = memberFacts(store.document, home, today())
    if (facts === null)
      throw new Problem('home-missing', { what: 'showing what a home may do', why: `the hub has no home ${home}` })
    return { ...facts, requests: wishes.list().flatMap((one) => (one.home === home ? [listed(one)] : [])) }
  }

  async function fulfil({ home, wish }: WaitingRequest): Promise<void> {
    if (wish.kind === 'publication') {
      const { kind: _kind, ...input } = wish
      await publications.add(null, { ...input, home })
    } else if (wish.kind === 'right') {
      await update((document, { now }) => give(document, home, { may: `+${wish.right}`, quota: null }, now))
    } else {
      await update((document, context) => grantLan(document, home, wish.lan, context))
      await machine.follow(null, `the LAN of ${home} is in the store`)
    }
  }

  return {
    show,
    give: async (home, gift) => {
      await update((document, { now }) => give(document, home, gift, now))
      onDecided([home])
      const { may, quota } = show(home)
      log.info({ home, may, quota }, 'what a home may do was changed')
      return show(home)
    },
    requests: () => wishes.list().map(listed),
    approve: async (id) => {
      const request = wishes.find(id)
      await fulfil(request)
      await wishes.remove(request)
      onDecided([request.home])
      log.info({ home: request.home, request: id, asks: wishText(request.wish) }, 'a home’s request was approved')
      return listed(request)
    },
    refuse: async (id) => {
      const request = wishes.find(id)
      await wishes.refuse(request)
      log.info({ home: request.home, request: id, asks: wishText(request.wish) }, 'a home’s request was refused')
      return listed(request)
    },
  }
}

function memberFacts(document: StoreDocument, name: string, now: Date): Omit<MemberFacts, 'requests'> | null {
  const home = homeNamed(document, name)
  const member = home ?? document.invites.find((one) => one.home === name && isOpen(one, now))
  if (member === undefined) return null
  const ports = document.publications.filter((one) => one.home === name)
  const devices = document.devices.filter((one) => one.home === name && !isExpired(one, now))
  return {
    home: name,
    joined: home !== null,
    may: rightsOf(member),
    quota: quotaOf(member),
    used: { devices: devices.length, ports: portCount(ports), prefixes: home?.lan.length ?? 0 },
    lan: home?.lan ?? [],
    granted: grantedTo(member),
  }
}
