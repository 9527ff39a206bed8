import { namedRemedy } from '../../alerts/record/remedies.ts'
import { namedCause } from '../../alerts/record/troubles.ts'
import type { HomeEvent } from '../../agent/memory/events.ts'
import { howToEndSharing } from '../../agent/core/shared-home.ts'
import { howToJoinAgain } from '../../agent/core/unknown-home.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import { localTime } from '../../system/time/local-time.ts'
import { ageText } from '../text/age.ts'
import { stateName } from '../text/state-names.ts'

/** One event as a line for people. */
export function eventText(event: HomeEvent): string {
  const isDrill = event.kind !== 'drill' && 'drill' in event && event.drill === true
  return `${localTime(event.at)}  ${isDrill ? 'drill: ' : ''}${whatHappened(event)}`
}

function whatHappened(event: HomeEvent): string {
  switch (event.kind) {
    case 'agent-started':
      return `the agent started (${event.version})`
    case 'agent-stopped':
      return 'the agent stopped; the tunnel stays up'
    case 'drill':
      return drillText(event)
    case 'tunnel':
      return `the tunnel is ${stateName(event.to)}${event.cause === null ? '' : ` (${namedCause(event.cause)})`}, after ${ageText(event.seconds)} ${stateName(event.from)}${nextFor(event.cause)}`
    case 'cause':
      return `cause: ${namedCause(event.cause)}${nextFor(event.cause)}`
    case 'remedy':
      return `tried ${namedRemedy(event.remedy)} (${namedCause(event.cause)}): ${event.helped ? 'it helped' : 'no help'}, after ${event.seconds} s`
    case 'mapping':
      return mappingText(event)
    case 'registrar':
      return `the registrar is ${event.to}${event.why === null ? '' : `: ${event.why}`}`
    case 'applied':
      return `repaired what differed from agent.yaml: ${event.steps.join('; ')}`
    case 'apply-failed':
      return `${event.why} [${event.code}]`
    case 'place':
      return `the hub gave this home the address ${event.address} of ${event.network}`
    case 'hub-identity':
      return `the hub has the new key ${event.publicKey}, signed by its earlier certificate`
    case 'configuration':
      return event.taken ? 'took a new configuration' : `refused a new configuration: ${event.why ?? ''}`
    case 'key':
      return event.publicKey === null
        ? `the tunnel kept its old key: ${event.why ?? ''}`
        : `the tunnel has the new key ${event.publicKey}`
    case 'clock':
      return clockText(event)
    default:
      return event satisfies never
  }
}

function drillText({ way, to, ...came }: Extract<HomeEvent, { kind: 'drill' }>): string {
  if (to === 'began') return `drill: ${way} began`
  if (to === 'cut-off') return `drill: ${way} was cut off, as the agent ended; what it broke ended by itself`
  const { noticedSeconds, healedSeconds, cause, isRight } = came
  const noticed = noticedSeconds === null ? 'not noticed' : `noticed after ${noticedSeconds} s`
  const healed = healedSeconds === null ? 'not healed' : `healed after ${healedSeconds} s`
  const named = cause === null ? 'no cause named' : `${namedCause(cause)} named`
  return `drill: ${way} is over: ${noticed}, ${healed}, ${named}, ${isRight ? 'rightly' : 'which is not the right cause'}`
}

/** Advice, only where waiting does not help. */
function nextFor(cause: string | null): string {
  if (cause === 'identity-twice') return `; ${howToEndSharing()}`
  return cause === 'home-unknown' ? `; ${howToJoinAgain()}` : ''
}

function clockText({ behindSeconds, waitedSeconds }: Extract<HomeEvent, { kind: 'clock' }>): string {
  if (waitedSeconds === null) {
    const side = behindSeconds < 0 ? 'ahead of' : 'behind'
    return `this machine’s clock is ${ageText(Math.abs(behindSeconds))} ${side} the hub’s`
  }
  return `this machine’s clock was ${ageText(behindSeconds)} behind the last time it showed; the tunnel waited ${waitedSeconds} s`
}

function mappingText({ address, port, previous }: Extract<HomeEvent, { kind: 'mapping' }>): string {
  const now = `the hub sees this home at ${hostPort(address, port)}`
  if (previous === null) return now
  const how = previous.ended === 'silence' ? 'forgotten in a long silence' : `its ${previous.ended} changed`
  return `${now}; before at ${hostPort(previous.address, previous.port)}, ${how}`
}
