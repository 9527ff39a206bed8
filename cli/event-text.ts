import type { HomeEvent } from '../agent/events.ts'
import { ageText } from './age.ts'

/** One event as a line for people. */
export function eventText(event: HomeEvent): string {
  return `${event.at.slice(0, 19)}Z  ${whatHappened(event)}`
}

function whatHappened(event: HomeEvent): string {
  switch (event.kind) {
    case 'agent-started':
      return `the agent began (${event.version})`
    case 'agent-stopped':
      return 'the agent ended; the tunnel stays'
    case 'tunnel':
      return `the tunnel is ${event.to}${event.cause === null ? '' : ` (${event.cause})`}, after ${ageText(event.seconds)} ${event.from}`
    case 'remedy':
      return `${event.remedy} against ${event.cause} ${event.helped ? 'helped' : 'did not help'}, ${event.seconds} s`
    case 'mapping':
      return mappingText(event)
    case 'registrar':
      return `the registrar is ${event.to}${event.why === null ? '' : `: ${event.why}`}`
    case 'applied':
      return `this machine was brought to what agent.yaml wants: ${event.steps.join('; ')}`
    case 'apply-failed':
      return `${event.why} [${event.code}]`
    case 'configuration':
      return event.taken ? 'took a new configuration' : `refused a new configuration: ${event.why ?? ''}`
    default:
      return event satisfies never
  }
}

function mappingText({ address, port, previous }: Extract<HomeEvent, { kind: 'mapping' }>): string {
  const now = `the hub sees this home at ${address}:${port}`
  if (previous === null) return now
  return `${now}; before at ${previous.address}:${previous.port}, its ${previous.ended} changed`
}
