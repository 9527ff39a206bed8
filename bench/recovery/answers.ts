/** An answered ping. Seconds of the monotonic clock. */
export interface Answer {
  readonly from: string
  readonly sentAt: number
  readonly receivedAt: number
}

/** Reads lines of `ADDRESS SENT RECEIVED`; whatever else stands there is passed over, a torn last line too. */
export function parseAnswers(text: string): readonly Answer[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const [, from, sent, received] = /^([\d.]+) (\d+\.\d+) (\d+\.\d+)$/.exec(line) ?? []
      return from === undefined ? [] : [{ from, sentAt: Number(sent), receivedAt: Number(received) }]
    })
}

/**
 * The longest time between two answers of a stream of which the later one came after `since`: how long whoever uses it
 * was cut off. Infinity when nothing came after it.
 */
export function longestGap(answers: readonly Answer[], since: number): number {
  const arrivals = answers.map((one) => one.receivedAt).sort((a, b) => a - b)
  const gaps = arrivals.flatMap((at, index) => (at < since ? [] : [at - (arrivals[index - 1] ?? since)]))
  return gaps.length === 0 ? Infinity : Math.max(...gaps)
}
