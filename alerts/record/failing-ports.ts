import type { FailingPort, IncidentRecord } from '../../protocol/incidents.ts'

/** The words about published ports that fail. Pure; null where an incident is about something else. */

type Told = Pick<IncidentRecord, 'failing' | 'moreFailing'>

export function failingTitle(incident: Told): string | null {
  const what = portsText(incident)
  return what === null ? null : `visitors of ${what} do not reach ${servicesText(incident)}`
}

/** The title of the end, before the time that it took. */
export function againText(incident: Told): string | null {
  const what = portsText(incident)
  return what === null ? null : `visitors of ${what} reach ${servicesText(incident)} again,`
}

export function comesAndGoesText(incident: Told): string | null {
  const what = portsText(incident)
  return what === null ? null : `the way to ${what} comes and goes`
}

/** A line for each port: which link of the way fails, and why; then where to look, once for each link. */
export function failingLines({ failing = [], moreFailing = 0 }: Told): readonly string[] {
  return [
    ...failing.map(({ published, target, link, why }) => `${published} to ${target}, link ${link}: ${why}.`),
    ...(moreFailing === 0 ? [] : [`And ${moreFailing} more: homeward publish list says which.`]),
    ...[...new Set(failing.map(({ link }) => link))].map((link) => WHERE[link]),
  ]
}

/** The place to look at, by the link that was seen to fail. */
const WHERE = {
  hub: 'Look on the VPS: what is named is there.',
  tunnel: 'Look at the home’s line, and whether the Pi runs.',
  home: 'Look at home: homeward status there says more.',
  service: 'Look at that host at home, and whether its service runs.',
} as const satisfies Record<FailingPort['link'], string>

function portsText({ failing = [], moreFailing = 0 }: Told): string | null {
  const [first] = failing
  if (first === undefined) return null
  const more = failing.length - 1 + moreFailing
  return more === 0 ? first.published : `${first.published} and ${more} more`
}

function servicesText({ failing = [], moreFailing = 0 }: Told): string {
  const [first] = failing
  return first !== undefined && failing.length + moreFailing === 1 ? first.target : 'their services'
}
