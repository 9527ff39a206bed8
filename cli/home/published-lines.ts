import { localTime } from '../../system/time/local-time.ts'
import { quoted } from '../../problems/printable.ts'
import { type PublishedStandings, rangeText } from '../../protocol/publications.ts'

/** How many proven publications are named. */
const MOST_NAMED = 4

/** The home's publications for `status`: each that fails, or of which nothing is proven, with the reason; then the others. */
export function publishedLines(published: PublishedStandings | undefined): readonly string[] {
  if (published === undefined) return []
  const { count, told } = published
  const proven = told.filter(({ state }) => state === 'proven')
  const named = proven.slice(0, MOST_NAMED)
  const others = count - (told.length - proven.length) - named.length
  return [
    ...told
      .filter(({ state }) => state !== 'proven')
      .map(({ state, since, why, link, ...range }) => {
        const words = why === undefined ? '' : `: the hub says ${quoted(why)}`
        if (state === 'failing')
          return `${rangeText(range)} fails${sinceText(since)} at the link ${link ?? 'service'}${words}`
        return `${rangeText(range)} is not proven${sinceText(since)}${words}`
      }),
    ...named.map((one) => `${rangeText(one)} proven${sinceText(one.since)}`),
    ...(others > 0 ? [`and ${others} more: homeward publish list`] : []),
  ]
}

function sinceText(since: string | null): string {
  return since === null ? '' : ` since ${localTime(since)}`
}
