import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Clock } from '../../system/time/clock.ts'
import { dueNotices, type Notice, NOTICE_SORTS, type NoticeBundle, type NoticeState, noted } from '../core/notices.ts'
import type { Message } from '../record/message.ts'
import { noticeMessage } from '../record/notice-message.ts'

/** Collects what members did until it is told. What waits is on disk: who can end this process must not silence it. */
export interface Notices {
  /** Takes what a member did. Never throws. */
  readonly tell: (home: string, notices: readonly Notice[]) => void
  /** Sends what was collected for long enough. */
  readonly look: () => void
  /** Resolves when all changes are on disk. */
  readonly saved: () => Promise<void>
}

const WaitingSchema = v.object({
  home: v.string(),
  counts: v.record(v.picklist(NOTICE_SORTS), v.pipe(v.number(), v.integer(), v.minValue(1))),
  notices: v.array(
    v.object({
      sort: v.picklist(NOTICE_SORTS),
      did: v.string(),
      undo: v.array(v.string()),
      allow: v.array(v.string()),
    }),
  ),
})

export interface NoticesDeps {
  readonly stateDir: string
  readonly send: (message: Message) => void
  /** Resolves when all that was sent is on disk. */
  readonly sent: () => Promise<void>
  readonly clock: Pick<Clock, 'now' | 'wall'>
  readonly log: Log
}

/** Opens what waited when the last process ended; a damaged file is an empty one. */
export async function openNotices({ stateDir, send, sent, clock, log }: NoticesDeps): Promise<Notices> {
  const path = noticesPath(stateDir)
  const left: readonly NoticeBundle[] = (await readJsonFile(path, v.array(WaitingSchema))) ?? []
  const now = clock.now()
  let state: NoticeState = Object.fromEntries(
    left.map((bundle) => [bundle.home, { waiting: { ...bundle, since: now }, told: 0, toldAt: now }]),
  )
  const mutex = makeMutex()
  let isDirty = false

  function change(next: NoticeState): void {
    if (next === state) return
    state = next
    if (isDirty) return
    isDirty = true
    // Several changes of one moment become one write.
    void mutex.runExclusive(save)
  }

  async function save(): Promise<void> {
    // What was sent is given up here only after it waits in the outbox: a power cut may tell twice, and loses nothing.
    await sent()
    isDirty = false
    const waiting = Object.values(state).flatMap((of) => (of.waiting === null ? [] : [of.waiting]))
    await writeFileAtomic(path, `${JSON.stringify(waiting)}\n`).catch((thrown: unknown) => {
      log.warn({ path, why: reasonOf(thrown) }, 'what the hub’s owner is to be told could not be written down')
    })
  }

  return {
    tell: (home, notices) => change(noted(state, home, notices, clock.now())),
    look: () => {
      const [next, due] = dueNotices(state, clock.now())
      for (const bundle of due) {
        const message = noticeMessage(`${bundle.home}-${randomBytes(6).toString('hex')}.security`, bundle, clock.wall())
        log.warn({ id: message.id, home: bundle.home, counts: bundle.counts }, message.title)
        send(message)
      }
      change(next)
    },
    saved: mutex.settled,
  }
}

export function noticesPath(stateDir: string): string {
  return join(stateDir, 'notices.json')
}
