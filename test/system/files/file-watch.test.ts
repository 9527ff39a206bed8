import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FileChange, type FileWatch, watchFile } from '../../../system/files/file-watch.ts'

let folder: string
let path: string
let watch: FileWatch
let ending: AbortController
/** What was found, looks that found nothing aside, with what could be read then. */
let found: string[]
let watching: Promise<void>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-file-watch-'))
  path = join(folder, 'settings.yaml')
  await writeFile(path, 'first')
  await begin()
})
afterEach(async () => {
  await end()
  await rm(folder, { recursive: true })
})

async function begin(): Promise<void> {
  found = []
  ending = new AbortController()
  watch = await watchFile(path)
  watching = follow(ending.signal)
}

async function end(): Promise<void> {
  ending.abort()
  await watching
}

async function follow(signal: AbortSignal): Promise<void> {
  for await (const change of watch.looks(signal)) if (change !== 'same') found.push(await toldOf(change))
}

async function toldOf(change: FileChange): Promise<string> {
  return change === 'changed' ? `changed: ${await readFile(path, 'utf8').catch(() => 'unreadable')}` : change
}

describe('a settings file', () => {
  test('that is replaced by a rename is found once, without being asked for', async () => {
    await writeFile(join(folder, 'new'), 'other')
    await rename(join(folder, 'new'), path)
    await expect.poll(() => found, { timeout: 20_000 }).toEqual(['changed: other'])
    await watch.recheck()
    expect(found).toEqual(['changed: other'])
  })

  test('that is edited in place is found, and again at the next edit', async () => {
    await writeFile(path, 'edited')
    await watch.recheck()
    await writeFile(path, 'edited again')
    await watch.recheck()
    expect(found).toEqual(['changed: edited', 'changed: edited again'])
  })

  test('that changes twice between two looks is found once, as it is then', async () => {
    await writeFile(path, 'edited')
    await writeFile(join(folder, 'new'), 'replaced')
    await rename(join(folder, 'new'), path)
    await watch.recheck()
    await watch.recheck()
    expect(found).toEqual(['changed: replaced'])
  })

  test('that changed after the watch was made and before anybody looked is found', async () => {
    await end()
    watch = await watchFile(path)
    await writeFile(path, 'meanwhile')
    found = []
    ending = new AbortController()
    watching = follow(ending.signal)
    await watch.recheck()
    expect(found).toEqual(['changed: meanwhile'])
  })

  test('that is removed is missing, and gone at the second look; both are said once, and its return is a change', async () => {
    await rm(path)
    await watch.recheck()
    expect(found).toEqual(['missing'])
    for (let looks = 0; looks < 3; looks += 1) await watch.recheck()
    expect(found).toEqual(['missing', 'gone'])
    await writeFile(path, 'back')
    await watch.recheck()
    expect(found).toEqual(['missing', 'gone', 'changed: back'])
  })

  test('that is missing at one look alone, as some editors do it, is never gone', async () => {
    for (const text of ['second', 'third one']) {
      await rm(path)
      await watch.recheck()
      await writeFile(path, text)
      await watch.recheck()
    }
    expect(found).toEqual(['missing', 'changed: second', 'missing', 'changed: third one'])
  })

  test('that was put aside and back is the same: missing anew, it is not gone at once', async () => {
    for (const aside of ['a', 'b']) {
      await rename(path, join(folder, aside))
      await watch.recheck()
      await rename(join(folder, aside), path)
      await watch.recheck()
    }
    expect(found).toEqual(['missing', 'missing'])
  })

  test('that was not there when the watch began is neither missing nor gone, and found when it comes', async () => {
    await end()
    await rm(path)
    await begin()
    await watch.recheck()
    await watch.recheck()
    expect(found).toEqual([])
    await writeFile(path, 'first ever')
    await watch.recheck()
    expect(found).toEqual(['changed: first ever'])
  })

  test('whose mode changed is found: that may be all that was wrong with it', async () => {
    await chmod(path, 0o600)
    await watch.recheck()
    expect(found).toEqual(['changed: first'])
  })

  test('that cannot be read or looked at any more has changed, and is not gone', async () => {
    await rm(path)
    await mkdir(path)
    await watch.recheck()
    await rm(path, { recursive: true })
    // ELOOP, which stops root too.
    await symlink(path, path)
    await watch.recheck()
    await watch.recheck()
    expect(found).toEqual(['changed: unreadable', 'changed: unreadable'])
  })
})

describe('a recheck', () => {
  test('ends when what was found is dealt with', async () => {
    await end()
    const happened: string[] = []
    ending = new AbortController()
    watching = (async () => {
      for await (const change of watch.looks(ending.signal)) {
        await readFile(path)
        happened.push(`${change}, and dealt with`)
      }
    })()
    await writeFile(path, 'other')
    await watch.recheck()
    happened.push('rechecked')
    expect(happened).toEqual(['changed, and dealt with', 'rechecked'])
  })

  test('ends when nobody looks any more, whether the signal ended the watch or whoever asked had enough', async () => {
    await end()
    await watch.recheck()
    watching = (async () => {
      for await (const change of watch.looks(new AbortController().signal)) if (change === 'changed') break
    })()
    await writeFile(path, 'other')
    await watch.recheck()
    await watching
    await watch.recheck()
  })
})
