import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { isMap, parseDocument } from 'yaml'
import { alertsPath, readAlertSettings } from '../../alerts/settings/read-settings.ts'
import { AlertSettingsSchema } from '../../alerts/settings/settings.ts'
import { Problem } from '../../problems/problem.ts'
import { makeFolder, writeFileAtomic } from '../../system/files/atomic-file.ts'
import { parseYaml } from '../../system/files/yaml-file.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts } from '../output.ts'

const HEAD = `# Who is told of outages. The same file does at home and on the hub: docs/alerts.md says what else may stand here.
# It holds secrets: it is for nobody else to read (chmod 600). What runs takes changes within seconds.
channels: {}
`

/** `homeward alert add NAME`: asks for the URL at a terminal, else reads it from standard input. */
export async function alertAdd(context: Context, name: string): Promise<void> {
  const { configDir } = context
  const path = alertsPath(configDir)
  const line = (await askedUrl()).trim()
  await orNoRoot(async () => {
    // A file that is wrong already is reported first.
    await readAlertSettings(configDir)
    await makeFolder(configDir)
    const document = parseDocument(await readFile(path, 'utf8').catch(() => HEAD))
    if (isMap(document.contents) && document.hasIn(['channels', name]))
      throw new Problem('channel-exists', { what: `adding the channel ${name}`, why: `${path} has one of that name` })
    document.setIn(['channels', name], line)
    const written = document.toString({ lineWidth: 0, flowCollectionPadding: false })
    parseYaml(written, path, AlertSettingsSchema, 'secrets')
    await writeFileAtomic(path, written)
  })
  printFacts(context, { added: name }, () => `added ${name} to ${path}; try it: homeward alert test ${name}`)
}

async function askedUrl(): Promise<string> {
  if (!process.stdin.isTTY) return await text(process.stdin)
  const { isCancel, password } = await import('@clack/prompts')
  const given = await password({ message: 'The channel’s URL, such as ntfys://ntfy.sh/TOPIC' })
  if (isCancel(given)) throw new Problem('interrupted', { what: 'adding a channel', why: 'nothing was given' })
  return given
}
