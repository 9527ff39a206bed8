import { readFile } from 'node:fs/promises'
import { type Document, isMap, isSeq, parseDocument } from 'yaml'
import { alertsPath, readAlertSettings } from '../../alerts/settings/read-settings.ts'
import { AlertSettingsSchema } from '../../alerts/settings/settings.ts'
import { makeFolder, writeFileAtomic } from '../../system/files/atomic-file.ts'
import { parseYaml } from '../../system/files/yaml-file.ts'
import { orNoRoot } from '../or-no-root.ts'

const HEAD = `# Who is notified of outages. The same file works at home and on the hub; docs/alerts.md lists what else it may contain.
# It holds secrets, so only its owner may read it (chmod 600). Running services take changes within seconds.
channels: {}
`

/**
 * Changes alerts.yaml, whose comments stay. A file that is wrong already is reported first, and none is written that
 * could not be read again.
 * @param change is given the file, and whether it has a channel of that name.
 * @throws {Problem} as `readAlertSettings`, and what `change` throws.
 */
export async function changeAlertsFile(
  configDir: string,
  change: (document: Document, has: (name: string) => boolean) => void,
): Promise<string> {
  const path = alertsPath(configDir)
  return await orNoRoot(async () => {
    await readAlertSettings(configDir)
    await makeFolder(configDir)
    const document = parseDocument(await readFile(path, 'utf8').catch(() => HEAD))
    change(document, (name) => isMap(document.contents) && document.hasIn(['channels', name]))
    const written = document.toString({ lineWidth: 0, flowCollectionPadding: false })
    parseYaml(written, path, AlertSettingsSchema, 'secrets')
    await writeFileAtomic(path, written)
    return path
  })
}

/** Adds a word to a list of the file, which is made where there is none. */
export function addToList(document: Document, key: string, word: string): void {
  const list = document.get(key)
  if (isSeq(list)) list.add(word)
  else document.set(key, document.createNode([word], { flow: true }))
}

/** Takes a word out of a list of the file, and the list with its last word. */
export function removeFromList(document: Document, key: string, word: string): void {
  const list = document.get(key)
  if (!isSeq(list)) return
  const left = (list.toJSON() as readonly unknown[]).indexOf(word)
  if (left >= 0) list.delete(left)
  if (list.items.length === 0) document.delete(key)
}
