import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * A release with a Node as small as can be, for what a package makes of it; a whole one is in the release's own test.
 * @returns its folder.
 */
export async function smallRelease(folder: string): Promise<string> {
  const release = join(folder, 'release')
  const files = {
    'dist/homeward.js': '#!/usr/bin/env node\nconsole.log("homeward")\n',
    'dist/demo.js': 'demo',
    'node/bin/node': 'ELF',
    'node/LICENSE': 'MIT',
    'package.json': '{}',
    'README.md': '# homeward',
    'CHANGELOG.md': '# Changes',
    LICENSE: 'MIT',
    NOTICES: 'notices',
    'docs/security.md': '# Security',
    'homeward.cdx.json': '{}',
    'systemd/homeward.service': await readFile('systemd/homeward.service', 'utf8'),
    'systemd/homeward-hub.service': await readFile('systemd/homeward-hub.service', 'utf8'),
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(release, path)), { recursive: true })
    await writeFile(join(release, path), text)
  }
  return release
}
