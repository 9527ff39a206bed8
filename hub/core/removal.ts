import { Problem } from '../../problems/problem.ts'
import { type Change, type Home, homeNamed, isOpen, type StoreDocument, stillHome } from './store-document.ts'

export interface Removed {
  readonly home: string
  /** False: there was only an invitation. */
  readonly joined: boolean
  /** Devices that the home had added; they went with it. */
  readonly devices: readonly string[]
}

/** Revokes a home, its devices and its invitations. @throws {Problem} `home-missing`. */
export function removeHome(document: StoreDocument, name: string, now: Date): Change<Removed> {
  const home = homeNamed(document, name)
  const invited = document.invites.some((invite) => invite.home === name && isOpen(invite, now))
  if (home === null && !invited)
    throw new Problem('home-missing', {
      what: `removing the home ${JSON.stringify(name)}`,
      why: 'the hub has no home of that name',
    })
  return without(document, name)
}

/**
 * Forgets a home that asks for it. A join that could not prove its tunnel is undone: the invitation can be used again,
 * and a home whose key it had replaced is as it was.
 * @throws {Problem} `home-unknown`.
 */
export function leave(document: StoreDocument, caller: Home, how: { readonly reopenInvite: boolean }): Change<Removed> {
  const home = stillHome(document, caller, `leaving the hub as ${caller.name}`)
  const invite = document.invites.find(
    ({ home: name, use }) => name === home.name && use !== null && use.publicKey === home.publicKey,
  )
  const replaced = invite?.use?.replaced ?? null
  const invites = document.invites.map((other) =>
    other === invite && how.reopenInvite ? { ...invite, use: null } : other,
  )
  if (how.reopenInvite && replaced !== null) {
    const homes = document.homes.map((other) => (other.name === home.name ? replaced : other))
    return [
      { ...document, homes, invites },
      { home: home.name, joined: true, devices: [] },
    ]
  }
  const [left, removed] = without(document, home.name)
  // The used invitation stays, so that its token is called used and not unknown.
  return [{ ...left, invites }, removed]
}

function without(document: StoreDocument, name: string): Change<Removed> {
  const home = homeNamed(document, name)
  const gone = document.devices.filter((device) => device.home === name)
  return [
    {
      ...document,
      homes: document.homes.filter((other) => other !== home),
      invites: document.invites.filter((invite) => invite.home !== name),
      devices: document.devices.filter((device) => !gone.includes(device)),
      publications: document.publications.filter((one) => one.home !== name),
    },
    { home: name, joined: home !== null, devices: gone.map((device) => device.name) },
  ]
}
