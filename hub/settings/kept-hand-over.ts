import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { type HandOver, HandOverSchema } from '../core/hand-over.ts'
import { fingerprintOf } from './certificate.ts'
import { identityFiles, readFormed } from './identity-files.ts'
import type { HubPaths } from './paths.ts'

/**
 * Reads which identity counts; null: the first one does, and no hand-over was ever begun. A file that is damaged or lost is
 * read from its copy. Without one the hub does not go on with the first identity: homes that followed know another, and
 * would take it for a stranger.
 * @throws {Problem} `config-unreadable`, `config-invalid`.
 */
export async function readHandOver(paths: HubPaths): Promise<HandOver | null> {
  const found = await readOne(paths.handOver).catch((thrown: unknown) => thrown as Problem)
  const kept =
    found !== null && !(found instanceof Problem) ? found : await readOne(paths.handOverCopy).catch(() => null)
  if (kept === null) {
    if (found instanceof Problem) throw found
    return null
  }
  const first = await firstCertificate(paths)
  // Other keys were put into the settings folder since: a hub that was set up again, or from a backup.
  return first === null || first === kept.replaces.certificate ? kept : null
}

/**
 * Writes it and its copy. The copy comes first: it is what counts or one step ahead of it, and the keys of both are on disk.
 * @throws {Problem} `write-failed`; the old document is untouched then.
 */
export async function writeHandOver(paths: HubPaths, handOver: HandOver): Promise<void> {
  await writeFileAtomic(paths.handOverCopy, textOf(handOver))
  await writeFileAtomic(paths.handOver, textOf(handOver))
}

/** Whether the file holds what the running hub has; then its copy does too. `none`: it is not there, as before the first hand-over. */
export async function lookAtHandOver(
  paths: HubPaths,
  handOver: HandOver,
): Promise<'whole' | 'none' | 'damaged' | 'another'> {
  const text = await textIn(paths.handOver).catch(() => '')
  if (text === null) return 'none'
  if (text !== textOf(handOver)) return isHandOver(text) ? 'another' : 'damaged'
  if ((await textIn(paths.handOverCopy).catch(() => '')) !== text) await writeFileAtomic(paths.handOverCopy, text)
  return 'whole'
}

function textOf(handOver: HandOver): string {
  return `${JSON.stringify(handOver)}\n`
}

function isHandOver(text: string): boolean {
  try {
    return v.is(HandOverSchema, JSON.parse(text))
  } catch {
    return false
  }
}

/** @returns null where it is not there. */
async function textIn(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown), cause: thrown })
  })
}

async function readOne(path: string): Promise<HandOver | null> {
  const text = await textIn(path)
  if (text === null) return null
  try {
    return v.parse(HandOverSchema, JSON.parse(text))
  } catch (thrown) {
    throw new Problem('config-invalid', {
      what: `reading ${path}`,
      why: 'it is damaged, and says which key and certificate this hub has',
      next: 'Put back a backup of the state folder: homes know this hub by what is in it. Without one remove the file and the copy beside it, and invite every home again',
      cause: thrown,
    })
  }
}

/** SHA-256 of the certificate in the settings folder; null: it is lost, and says nothing. */
async function firstCertificate(paths: HubPaths): Promise<string | null> {
  const { certificate } = identityFiles(paths)
  for (const path of [certificate.path, certificate.copy]) {
    const text = await readFormed(certificate, path).catch(() => null)
    if (text !== null) return fingerprintOf(text)
  }
  return null
}
