/** Which addresses of the hub each home has heard, since the hub began. */
export interface ToldAddresses {
  /** What goes into an answer to a home, which has heard it then. */
  readonly tell: (home: string) => { readonly addresses: string[] }
  /** Whether there are others since: the home is asked to register. False of one that has not registered yet. */
  readonly isNews: (home: { readonly name: string }) => boolean
  readonly hasHeard: (home: string) => boolean
}

export function makeToldAddresses(current: () => readonly string[]): ToldAddresses {
  const told = new Map<string, string>()
  const now = (): string => current().join(' ')
  return {
    tell: (home) => {
      told.set(home, now())
      return { addresses: [...current()] }
    },
    isNews: ({ name }) => told.has(name) && told.get(name) !== now(),
    hasHeard: (name) => told.get(name) === now(),
  }
}
