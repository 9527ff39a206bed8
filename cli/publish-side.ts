import { type Publication, PublicationList, PublicationSchema, type PublishedRange } from '../protocol/publications.ts'
import { PROTOCOL_VERSION } from '../protocol/messages.ts'
import type { PublicationInput } from '../hub/publications.ts'
import type { Context } from './context.ts'
import { askThisHub } from './hub-session.ts'
import { homeVoice, ownSide } from './own-side.ts'

/** Who keeps the publications: the hub, asked as its owner or as one of its homes. */
export interface PublishSide {
  readonly add: (input: PublicationInput) => Promise<Publication>
  readonly list: () => Promise<PublicationList>
  readonly remove: (range: PublishedRange) => Promise<Publication>
}

/** @throws {Problem} `config-*`, `secret-exposed`. */
export async function publishSide(context: Context): Promise<PublishSide> {
  return (await ownSide(context)) === 'home' ? await homeSide(context) : hubSide(context)
}

async function homeSide(context: Context): Promise<PublishSide> {
  const { ask } = await homeVoice(context)
  const path = '/v1/publications'
  return {
    add: (input) =>
      ask({ method: 'POST', path, body: { version: PROTOCOL_VERSION, ...input }, answer: PublicationSchema }),
    list: () => ask({ method: 'GET', path, answer: PublicationList }),
    remove: ({ protocol, port, lastPort }) => {
      const ports = port === lastPort ? String(port) : `${port}-${lastPort}`
      return ask({ method: 'DELETE', path: `${path}/${protocol}/${ports}`, answer: PublicationSchema })
    },
  }
}

function hubSide(context: Context): PublishSide {
  return {
    add: async (input) => (await askThisHub(context, 'publication-add', input)).answer,
    list: async () => (await askThisHub(context, 'publication-list', null)).answer,
    remove: async (range) => (await askThisHub(context, 'publication-remove', range)).answer,
  }
}
