import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import { functionOf } from '../deb/deb.ts'
import type { Architecture } from '../node/own-node.ts'
import { makeBase } from './base.ts'
import { type ImageFacts, layOut } from './layers.ts'

const LIBRARY = 'usr/lib/homeward'
const DOC = 'usr/share/doc/homeward'
const PACK_MS = 300_000

/** What an image says of itself. */
export interface ReleaseFacts {
  /** As semver.org has it. */
  readonly version: string
  readonly architecture: Architecture
  /** Seconds since 1970, of the commit. */
  readonly committedAt: number
}

/** A tag has no plus sign (distribution-spec, "Pulling manifests"). */
export function tagOf(version: string): string {
  return version.replace('+', '-')
}

/** Home Assistant's word for it, in labels and config.yaml. */
export const HOME_ASSISTANT_ARCHITECTURES = { amd64: 'amd64', arm64: 'aarch64' } as const

/**
 * Makes homeward-VERSION-image-ARCHITECTURE.tar, an image of hub and home in one, of a release with a Node of its own.
 * `docker load`, `podman load` and `skopeo` read it. Takes root, mmdebstrap and buildah.
 * @param root the checkout. @param release the folder of the release. @param into the folder for the image.
 * @returns its name.
 */
export async function makeImage(root: string, release: string, into: string, facts: ReleaseFacts): Promise<string> {
  const work = join(into, `.image-${facts.architecture}`)
  const place = (layer: string): string => join(work, layer)
  const name = `homeward-${facts.version}-image-${facts.architecture}.tar`
  try {
    await mkdir(work, { recursive: true })
    await makeBase(facts.architecture, place('base'))
    await putNode(release, place('node'))
    await putHomeward(root, release, place('homeward'))
    // The times of the first two are nobody's, so that an upgrade of homeward alone leaves both as they are.
    const layers = [
      { folder: place('base'), at: 1 },
      { folder: place('node'), at: 1 },
      { folder: place('homeward'), at: facts.committedAt },
    ]
    const layout = await layOut(work, facts.architecture, layers, describe(facts))
    await addDockersIndex(layout, `homeward:${tagOf(facts.version)}`)
    const same = '--format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX'.split(' ')
    const tar = [...same, '--create', `--mtime=@${facts.committedAt}`, `--file=${place('tar')}`, '-C', layout, '.']
    await runCommand('env', ['-u', 'TAR_OPTIONS', 'tar', ...tar], { timeoutMs: PACK_MS })
    await rename(place('tar'), join(into, name))
    return name
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function describe({ version, architecture }: ReleaseFacts): ImageFacts {
  return {
    entrypoint: ['/usr/bin/entry'],
    environment: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOMEWARD_CONFIG_DIR: '/data/config',
      HOMEWARD_STATE_DIR: '/data/state',
    },
    volume: '/data',
    labels: {
      'org.opencontainers.image.title': 'homeward',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'MIT',
      // developers.home-assistant.io, "App configuration".
      'io.hass.type': 'app',
      'io.hass.version': tagOf(version),
      'io.hass.arch': HOME_ASSISTANT_ARCHITECTURES[architecture],
    },
  }
}

async function putNode(release: string, layer: string): Promise<void> {
  await put(join(release, 'node/bin/node'), layer, `${LIBRARY}/node/bin/node`, 0o755)
  await put(join(release, 'node/LICENSE'), layer, `${DOC}/NOTICES.node`)
}

async function putHomeward(root: string, release: string, layer: string): Promise<void> {
  await mkdir(join(layer, LIBRARY), { recursive: true })
  await cp(join(release, 'dist'), join(layer, LIBRARY, 'dist'), { recursive: true })
  await rm(join(layer, LIBRARY, 'dist/demo.js'), { force: true })
  await put(join(release, 'package.json'), layer, `${LIBRARY}/package.json`)
  for (const name of ['LICENSE', 'NOTICES', 'homeward.cdx.json'])
    await put(join(release, name), layer, `${DOC}/${name}`)
  await putText(await readFile(join(root, 'packaging/image/launcher'), 'utf8'), layer, 'usr/bin/homeward')
  const [entry, installer, home, hub] = await Promise.all(
    ['packaging/image/entry', 'install.sh', 'systemd/homeward.service', 'systemd/homeward-hub.service'].map((path) =>
      readFile(join(root, path), 'utf8'),
    ),
  )
  await putText(entryOf(entry ?? '', installer ?? '', home ?? '', hub ?? ''), layer, 'usr/bin/entry')
}

/** The entry point, with what install.sh and the services have already. */
export function entryOf(entry: string, installer: string, homeUnit: string, hubUnit: string): string {
  return entry
    .replaceAll(/^@([a-z_]+)@$/gm, (_, shared: string) => functionOf(installer, shared))
    .replace('@HOME_ENVIRONMENT@', () => environmentOf(homeUnit))
    .replace('@HUB_ENVIRONMENT@', () => environmentOf(hubUnit))
}

/** The environment that a service gives its daemon (systemd.exec(5), `Environment=`), as words of a shell. */
function environmentOf(unit: string): string {
  const set = [...unit.matchAll(/^Environment="?(\w+=[^"\n]*)"?$/gm)].map(([, assignment = '']) => `'${assignment}'`)
  if (set.length === 0) throw new Error('the service sets no environment')
  return set.join(' ')
}

async function put(from: string, layer: string, path: string, mode = 0o644): Promise<void> {
  const to = join(layer, path)
  await mkdir(join(to, '..'), { recursive: true })
  await cp(from, to)
  await chmod(to, mode)
}

async function putText(text: string, layer: string, path: string): Promise<void> {
  const to = join(layer, path)
  await mkdir(join(to, '..'), { recursive: true })
  await writeFile(to, text)
  await chmod(to, 0o755)
}

/**
 * Says beside the layout what `docker load` reads (moby, image/tarexport): manifest.json with the image's name,
 * its configuration and its layers, whose files are those of the layout.
 */
async function addDockersIndex(layout: string, name: string): Promise<void> {
  const read = async (path: string) => JSON.parse(await readFile(join(layout, path), 'utf8'))
  const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`
  const [{ digest }] = (await read('index.json')).manifests
  const { config, layers } = await read(blob(digest))
  const Layers = (layers as readonly { readonly digest: string }[]).map((layer) => blob(layer.digest))
  await writeFile(
    join(layout, 'manifest.json'),
    `${JSON.stringify([{ Config: blob(config.digest), RepoTags: [name], Layers }])}\n`,
  )
}
