/** Lets one act at a time go on, in the order in which they were asked for; one that fails holds up none. */
export type Turns = <Result>(act: () => Promise<Result>) => Promise<Result>

export function makeTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const mine = last.then(act)
    last = mine.catch(() => undefined)
    return mine
  }
}
