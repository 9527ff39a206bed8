import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { tagOf } from './image.ts'
import { IMAGE_PLACE, PAGE } from './places.ts'

/** A repository of Home Assistant's apps with this one (developers.home-assistant.io, "Create an app repository"). */
const REPOSITORY = 'home-assistant'

/**
 * Puts into a release what its images are started with: the compose files, and a repository of apps for Home Assistant,
 * whose every file has the version and the place of the image.
 * @returns the names of what was put there.
 */
export async function putFilesBeside(root: string, into: string, version: string): Promise<readonly string[]> {
  for (const role of ['home', 'hub'] as const) {
    const text = await readFile(join(root, `packaging/compose/${role}.yaml`), 'utf8')
    await put(into, `compose/${role}.yaml`, text.replace('homeward:latest', `homeward:${tagOf(version)}`))
  }
  for (const name of ['config.yaml', 'DOCS.md', 'translations/en.yaml']) {
    const text = await readFile(join(root, 'packaging/home-assistant', name), 'utf8')
    await put(into, `${REPOSITORY}/homeward/${name}`, filledIn(text, version))
  }
  await copyFile(join(root, 'CHANGELOG.md'), join(into, REPOSITORY, 'homeward/CHANGELOG.md'))
  await chmod(join(into, REPOSITORY, 'homeward/CHANGELOG.md'), 0o644)
  await put(into, `${REPOSITORY}/repository.yaml`, `name: homeward\nurl: ${JSON.stringify(PAGE)}\n`)
  return ['compose', REPOSITORY]
}

/** Home Assistant pulls the image by the version, as a tag. Images of both architectures have one name there. */
export function filledIn(text: string, version: string): string {
  return text.replaceAll('@VERSION@', tagOf(version)).replaceAll('@IMAGE@', IMAGE_PLACE).replaceAll('@URL@', PAGE)
}

async function put(into: string, path: string, text: string): Promise<void> {
  const to = join(into, path)
  await mkdir(dirname(to), { recursive: true })
  await writeFile(to, text, { mode: 0o644 })
}
