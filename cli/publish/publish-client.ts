import { tunnelsOf } from '../../agent/settings/config.ts'
import {
  ProofAnswer,
  type ProofLink,
  type Publication,
  PublicationList,
  PublicationSchema,
  type PublishedRange,
  rangeText,
} from '../../protocol/publications.ts'
import { PROTOCOL_VERSION } from '../../protocol/messages.ts'
import type { PublicationInput } from '../../hub/core/publications.ts'
import type { Context } from '../context.ts'
import { changeOrFindOut, samePorts } from './lost-answer.ts'
import { askThisHub } from '../side/hub-session.ts'
import { homeClient, ownRole } from '../side/own-role.ts'

/** How long a hub may take to publish: it opens the ports as a stranger first, and a small VPS is slow at that. */
const ADD_MS = 40_000
/** How long a check may take: the hub waits for the home for up to 30 s. */
const CHECK_MS = 45_000

/** The keeper of publications: the hub, asked as its owner or as one of its homes. */
export interface PublishClient {
  readonly add: (input: PublicationInput) => Promise<Publication>
  readonly list: () => Promise<PublicationList>
  readonly remove: (range: PublishedRange) => Promise<Publication>
  /** The links of a visitor's path, from the first to the first that fails. */
  readonly check: (range: PublishedRange) => Promise<readonly ProofLink[]>
}

/** @throws {Problem} `config-*`, `secret-exposed`. */
export async function publishClient(context: Context): Promise<PublishClient> {
  return (await ownRole(context)) === 'home' ? await asHome(context) : asHub(context)
}

async function asHome(context: Context): Promise<PublishClient> {
  const { ask, config } = await homeClient(context)
  const path = '/v1/publications'
  const list = (): Promise<PublicationList> =>
    ask({ what: 'listing the published ports', method: 'GET', path, answer: PublicationList })
  return {
    add: (input) =>
      changeOrFindOut({
        range: input,
        change: () =>
          ask({
            what: `publishing ${rangeText(input)}`,
            method: 'POST',
            path,
            body: { version: PROTOCOL_VERSION, ...input },
            timeoutMs: ADD_MS,
            answer: PublicationSchema,
          }),
        list,
        done: (publications) => {
          const { address, targetPort, outgoing } = input
          const there = publications.find(samePorts(input))
          const isThere = there?.address === address && there.targetPort === targetPort
          return isThere && (outgoing !== true || there.outgoing === true) ? there : null
        },
        state: 'published',
      }),
    list,
    remove: async (range) => {
      // The publication itself, for when it is gone and the answer too.
      let removed: Publication | null = null
      return await changeOrFindOut({
        range,
        change: async () => {
          removed = (await list()).publications.find(samePorts(range)) ?? null
          return await ask({
            what: `taking ${rangeText(range)} back`,
            method: 'DELETE',
            path: `${path}/${place(range)}`,
            answer: PublicationSchema,
          })
        },
        list,
        done: (publications) => (publications.some(samePorts(range)) ? null : removed),
        state: 'taken back',
      })
    },
    check: async (range) => {
      const { links, port = range.port } = await ask({
        what: `checking ${rangeText(range)}`,
        method: 'POST',
        path: `${path}/${place(range)}/check`,
        body: {},
        timeoutMs: CHECK_MS,
        answer: ProofAnswer,
      })
      if (range.protocol === 'udp' || links.some(({ link, works }) => works === false && link !== 'outgoing'))
        return links
      const { proveOutside } = await import('./prove-outside.ts')
      const [{ hub }] = tunnelsOf(config)
      return [...links, await proveOutside(hub.addresses, port)]
    },
  }
}

function place({ protocol, port, lastPort }: PublishedRange): string {
  return `${protocol}/${port === lastPort ? port : `${port}-${lastPort}`}`
}

function asHub(context: Context): PublishClient {
  return {
    add: async (input) => (await askThisHub(context, 'publication-add', input)).answer,
    list: async () => (await askThisHub(context, 'publication-list', null)).answer,
    remove: async (range) => (await askThisHub(context, 'publication-remove', range)).answer,
    check: async (range) => (await askThisHub(context, 'publication-check', range)).answer.links,
  }
}
