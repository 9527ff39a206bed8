import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OPTIONS, type OptionName, variableOf } from '../../cli/container/options.ts'
import { entryOf, tagOf } from '../../packaging/image/image.ts'
import { tryCommand } from '../../system/process/run-command.ts'
import { planOfCompose, readCompose } from '../image/plan.ts'

const entry = async (): Promise<string> => {
  const paths = ['packaging/image/entry', 'install.sh', 'systemd/homeward.service', 'systemd/homeward-hub.service']
  const [text = '', installer = '', home = '', hub = ''] = await Promise.all(
    paths.map((path) => readFile(path, 'utf8')),
  )
  return entryOf(text, installer, home, hub)
}

test('a version is a tag', () => {
  expect(tagOf('0.2.0')).toBe('0.2.0')
  expect(tagOf('0.2.0+g0123456789ab.dirty')).toBe('0.2.0-g0123456789ab.dirty')
})

describe('the entry point', () => {
  test('starts the daemons as the services do', async () => {
    const text = await entry()
    expect(text).toContain(
      "exec env 'NODE_OPTIONS=--max-old-space-size=96 --max-semi-space-size=1 --v8-pool-size=1' 'MALLOC_ARENA_MAX=1' homeward run",
    )
    expect(text).toContain("exec env 'NODE_OPTIONS=--max-old-space-size=160' homeward hub run")
    expect(text).not.toMatch(/@[A-Z_]+@/)
  })

  test('hands a signal on to the first start, and waits for what it undoes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'homeward-entry-'))
    try {
      await writeFile(join(folder, 'entry'), await entry())
      await writeFile(
        join(folder, 'homeward'),
        `#!/bin/bash\n[ "$1" = container ] || exec echo "never: $*"\ntrap 'sleep 0.3; echo undone; exit 7' TERM\nkill -TERM $PPID\nfor _ in {1..100}; do sleep 0.1; done\n`,
        { mode: 0o755 },
      )
      const path = `PATH=${folder}:${process.env['PATH'] ?? ''}`
      const run = await tryCommand('env', [path, 'HOMEWARD_CONFIG_DIR=/nonexistent', 'bash', join(folder, 'entry')], {
        timeoutMs: 60_000,
      })
      expect(run).toMatchObject({ exitCode: 7, stdout: 'undone\n' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe.each(['home', 'hub'] as const)('the compose file of a %s', (role) => {
  test('gives each option of it, and no other', async () => {
    const { environment } = await readCompose(role)
    const names = (Object.keys(OPTIONS) as OptionName[]).filter((name) => OPTIONS[name].of === role)
    expect(Object.keys(environment).toSorted()).toEqual(
      names.map((name) => `${variableOf(name)}${OPTIONS[name].secret ? '_FILE' : ''}`).toSorted(),
    )
  })

  test('gives what it takes and nothing else', async () => {
    const service = await readCompose(role)
    const plan = planOfCompose(service, { HOMEWARD_ADDRESS: 'vps.example.org' })
    expect(plan).toMatchObject({
      capabilities: ['NET_ADMIN', 'NET_RAW', ...(role === 'hub' ? ['NET_BIND_SERVICE'] : [])],
      devices: ['/dev/net/tun'],
      readOnly: true,
      hostNetwork: true,
      noNewPrivileges: true,
    })
    expect(service).toMatchObject({ restart: 'unless-stopped', init: true, volumes: [`${role}:/data`] })
  })
})
