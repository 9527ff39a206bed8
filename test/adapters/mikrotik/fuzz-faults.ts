import type { FakeRouter } from '../../fake/routeros/fake-router.ts'
import type { Ending } from '../../fake/routeros/misbehaviour.ts'

/** What happens to the line, the router or the agent while a plan is carried out. Everything in it comes from a seed. */
export interface Fault {
  /** For the one who reads why a run failed. */
  readonly text: string
  /** Before the first step. */
  readonly begin: (victim: Victim) => void
  /** Before each step, counted from 0. */
  readonly onStep: (step: number, victim: Victim) => void
  /** Thrown by the proof of the tunnel. */
  readonly failsProof: boolean
}

interface Victim {
  readonly router: FakeRouter
  /** Ends the agent's wish for all of it. */
  readonly callOff: () => void
}

type Random = () => number

const LOUD: readonly Ending[] = ['fin', 'rst', 'fatal', 'garbage', 'reserved-length']

/** One that nobody hears of costs the whole deadline of a command: a few of those are enough. */
const SILENT_SHARE = 0.04

const STEPS = 12

export function randomFault(random: Random): Fault {
  const lines = random() < 0.5 ? steadyTrouble(random) : null
  const blow = oneBlow(random)
  return {
    text: [lines?.text, blow.text].filter((text) => text !== undefined).join(', '),
    begin: (victim) => {
      lines?.begin(victim)
      blow.begin(victim)
    },
    onStep: blow.onStep,
    failsProof: blow.failsProof,
  }
}

/** A line that is bad all the time, and carries everything in the end. */
function steadyTrouble(random: Random): Pick<Fault, 'text' | 'begin'> {
  const seed = upTo(random, 1e6)
  const how = pick(random, [
    { kind: 'fragment', seed, most: 1 },
    { kind: 'fragment', seed, most: 2 + upTo(random, 60) },
    { kind: 'delay', ms: 1 + upTo(random, 15) },
    { kind: 'stray-tag' },
  ] as const)
  return { text: JSON.stringify(how), begin: ({ router }) => router.misbehave(how) }
}

const nothing = (): void => undefined

function oneBlow(random: Random): Fault {
  const at = upTo(random, STEPS)
  const ending = random() < SILENT_SHARE ? 'silent' : pick(random, LOUD)
  const calm = { begin: nothing, onStep: nothing, failsProof: false }
  const atStep = (text: string, act: (victim: Victim) => void): Fault => ({
    ...calm,
    text: `${text} at step ${at}`,
    onStep: (step, victim) => {
      if (step === at) act(victim)
    },
  })
  const afterMs = (text: string, act: (victim: Victim) => void): Fault => {
    const milliseconds = upTo(random, 150)
    return {
      ...calm,
      text: `${text} after ${milliseconds} ms`,
      begin: (victim) => void setTimeout(() => act(victim), milliseconds),
    }
  }
  switch (upTo(random, 9)) {
    case 0:
      return atStep(`every session ends by ${ending}`, ({ router }) => router.dropSessions(ending))
    case 1:
      return afterMs(`every session ends by ${ending}`, ({ router }) => router.dropSessions(ending))
    case 2: {
      const how = { kind: 'end', after: 1 + upTo(random, 40), how: ending, part: random() } as const
      return { ...calm, text: JSON.stringify(how), begin: ({ router }) => router.misbehave(how) }
    }
    case 3: {
      const how = pick(random, ['fin', 'rst'] as const)
      return atStep(`no new session (${how}), and the old ones end`, ({ router }) => {
        router.misbehave({ kind: 'refuse', how })
        router.dropSessions(how)
      })
    }
    case 4:
      return atStep('the router restarts', ({ router }) => void router.reboot())
    case 5:
      return atStep('the agent is called off', ({ callOff }) => callOff())
    case 6:
      return afterMs('the agent is called off', ({ callOff }) => callOff())
    case 7:
      return { ...calm, text: 'the tunnel is not proven', failsProof: true }
    default:
      return { ...calm, text: 'nothing else' }
  }
}

function upTo(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<Choice>(random: Random, choices: readonly Choice[]): Choice {
  return choices[upTo(random, choices.length)] as Choice
}
