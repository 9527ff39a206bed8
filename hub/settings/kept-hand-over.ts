import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { type HandOver, HandOverSchema } from '../core/hand-over.ts'
import { fingerprintOf } from './certificate.ts'
import { identityFiles, readFormed } from './identity-files.ts'
import type { HubPaths } from './paths.ts'

/**
 * Reads which identity counts; null: the first one does, and no hand-over was ever begun. A file that is damaged is no
 * reason to go on with the first one: homes that followed know another, and would take this hub for a stranger.
 * @throws {Problem} `config-unreadable`, `config-invalid`.
 */
export async function readHandOver(paths: HubPaths): Promise<HandOver | null> {
  const what = `reading ${paths.handOver}`
  const text = await readFile(paths.handOver, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null
    throw new Problem('config-unreadable', { what, why: reasonOf(thrown), cause: thrown })
  })
  if (text === null) return null
  const found = parsed(text, what)
  const first = await firstCertificate(paths)
  // Other keys were put into the settings folder since: a hub that was set up again, or from a backup.
  return first === null || first === found.replaces.certificate ? found : null
}

/** @throws {Problem} `write-failed`; the old document is untouched then. */
export async function writeHandOver(paths: HubPaths, handOver: HandOver): Promise<void> {
  await writeFileAtomic(paths.handOver, `${JSON.stringify(handOver)}\n`)
}

function parsed(text: string, what: string): HandOver {
  try {
    return v.parse(HandOverSchema, JSON.parse(text))
  } catch (thrown) {
    throw new Problem('config-invalid', {
      what,
      why: 'it is damaged, and says which key and certificate this hub has',
      next: 'Put back a backup of the state folder: homes know this hub by what is in it. Without one remove the file, and invite every home again',
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
