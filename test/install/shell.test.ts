import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { INTERFACE_MARK, FORWARDING_MARK, TABLE, TABLE_MARK } from '../../adapters/linux/firewall/mark.ts'
import { ROUTING_TABLES } from '../../adapters/linux/routing/slots.ts'
import { tryCommand } from '../../system/process/run-command.ts'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const installer = await readFile(path('install.sh'), 'utf8')

test.each(['install.sh', 'packaging/get.sh', '.ci/run', 'test/install/boot.sh'])(
  'shellcheck has nothing to say about %s',
  async (name) => {
    const { stdout, exitCode } = await tryCommand('shellcheck', [path(name)], { timeoutMs: 50_000 })
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 })
  },
)

test('uninstall removes what bears the marks that the adapter sets', () => {
  expect(installer).toContain(`= ${INTERFACE_MARK} ] || continue`)
  expect(installer).toContain(`nft list chain ${TABLE} ${TABLE_MARK}`)
  expect(installer).toContain(`nft list chain ${TABLE} ${FORWARDING_MARK}`)
  expect(installer).toContain(`nft delete table ${TABLE}`)
})

test('uninstall looks for rules in every routing table that the adapter may fill', () => {
  const [, first, last] = /for name in \{(\d+)\.\.(\d+)\} main; do\n +while ip rule del lookup/.exec(installer) ?? []
  const tables = ROUTING_TABLES.map(Number).toSorted((a, b) => a - b)
  expect([Number(first), Number(last)]).toEqual([tables[0], tables.at(-1)])
})

test('nothing that may be long is read by a program that ends at its first match, which fails the pipe (pipefail)', () => {
  expect(installer.match(/\| *(?:grep -\w*q|head)\b(?!.*\|\| true).*/g) ?? []).toEqual([])
})

test('what it writes for itself stands in a folder of its own: beside it in /tmp anybody could put a link', () => {
  expect(installer.match(/mktemp(?! -d).*|\$\{?log\}?\.\w+.*/g) ?? []).toEqual([])
})

test('demo and test install every tool that the laboratory wants', async () => {
  const wanted = await readFile(path('test/lab/host/tools.ts'), 'utf8')
  const table = /const TOOLS[^{]*\{([^}]*)\}/.exec(wanted)?.[1] ?? ''
  const pairs = [...table.matchAll(/^\s*'?([\w-]+)'?: '([\w-]+)'/gm)].map(([, tool, pkg]) => `'${tool} ${pkg}'`)
  expect(pairs.length).toBeGreaterThan(10)
  const laboratory = /require_laboratory\(\) \{([^}]*)\}/.exec(installer)?.[1] ?? ''
  expect(pairs.filter((pair) => !laboratory.includes(pair))).toEqual([])
})

test.each([
  ['nothing', [], 0],
  ['--help', ['--help'], 0],
  ['a command that there is not', ['instal'], 64],
])('%s shows how it is called', async (_, args, status) => {
  const { stdout, stderr, exitCode } = await tryCommand(path('install.sh'), args)
  expect(exitCode).toBe(status)
  expect(status === 0 ? stdout : stderr).toContain('Usage: ./install.sh [COMMAND]')
})

test('a copy that was cut off does nothing', async () => {
  const half = installer.slice(0, installer.lastIndexOf('main "$@"'))
  const { stdout, stderr, exitCode } = await tryCommand('bash', ['-s', 'uninstall'], { input: half })
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})
