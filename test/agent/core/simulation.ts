import type { Endpoint } from '../../../wireguard/spec.ts'
import { type Action, next, startWatch, wakeAt, type Watch, type WatchEvent } from '../../../agent/core/watch.ts'

export const settings = { heartbeatMs: 5_000, spread: 0.5 }
export const mapping = { address: '198.51.100.11', port: 40_233 }
export const start = (): Watch => startWatch(settings, { current: null, changes: 0 }, 0, 0)

/** A hub on a clock that is turned by hand: it answers heartbeats after `roundTripMs` while `isAnswering`. */
export function simulate(
  watch: Watch,
  from: number,
  untilMs: number,
  isAnswering: (now: number) => boolean,
  roundTripMs = () => 20,
  seen: Endpoint | null = mapping,
) {
  const actions: { readonly at: number; readonly action: Action }[] = []
  const coming: { readonly at: number; readonly event: WatchEvent }[] = []
  let now = from
  const feed = (event: WatchEvent): void => {
    const [after, wanted] = next(watch, event, now)
    watch = after
    for (const action of wanted) {
      actions.push({ at: now, action })
      if (action.kind === 'send-heartbeat' && isAnswering(now))
        coming.push({ at: now + roundTripMs(), event: { kind: 'answer', sequence: action.sequence, mapping: seen } })
      if (action.kind === 'register')
        coming.push({ at: now + 30, event: { kind: 'registration-ended', outcome: 'done', mapping: null, word: null } })
      if (action.kind === 'remedy') coming.push({ at: now + 70, event: { kind: 'remedy-ended', carriedOut: true } })
    }
  }
  feed({ kind: 'tick' })
  for (let round = 0; now < untilMs; round += 1) {
    if (round > 100_000) throw new Error('it wakes without getting on')
    const first = coming.reduce((least, one) => Math.min(least, one.at), Infinity)
    now = Math.max(now, Math.min(first, wakeAt(watch), untilMs))
    const arrived = coming.findIndex((one) => one.at <= now)
    feed(arrived < 0 ? { kind: 'tick' } : coming.splice(arrived, 1)[0]!.event)
  }
  return { watch, actions, now }
}

export const told = (actions: readonly { readonly at: number; readonly action: Action }[]) =>
  actions.flatMap(({ at, action }) => (action.kind === 'tell-health' ? [[action.to.kind, at] as const] : []))
export const count = (actions: readonly { readonly action: Action }[], kind: Action['kind']) =>
  actions.filter(({ action }) => action.kind === kind).length
