import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parseNative } from '../../../../adapters/linux/others/native-firewall.ts'
import { readRuleset } from '../../../../adapters/linux/others/read-ruleset.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-ruleset-'))
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const chain = (table: string, name: string) =>
  `{"chain":{"family":"inet","table":"${table}","name":"${name}","handle":1,"type":"filter","hook":"${name}","prio":0,"policy":"drop"}}`
const listing = (...objects: readonly string[]) => `{"nftables":[${objects.join(',')}]}`

/** A stand-in for nft 1.0.6, which ends at the flags of a table with an owner, as it was seen beside such a table. */
async function nftEndsAt(ownedTable: string): Promise<void> {
  const cut = `{"nftables":[{"table":{"family":"inet","name":"${ownedTable}","handle":1,"flags": `
  await writeFile(
    join(folder, 'nft'),
    `#!/bin/sh
case "$*" in
  *'list ruleset' | *'list table inet owned') printf '%s' '${cut}' ;;
  *'list chains') echo '${listing(chain('open', 'input'), chain('owned', 'input'), chain('owned', 'forward'))}' ;;
  *'list table inet open') echo '${listing('{"table":{"family":"inet","name":"open","handle":1}}', chain('open', 'input'))}' ;;
  *'list chain inet owned '*) for name; do :; done; echo '${listing(chain('owned', 'NAME'))}' | sed "s/NAME/$name/g" ;;
esac
`,
  )
  await chmod(join(folder, 'nft'), 0o755)
}

test('a listing that nft cut off is put together from tables, and from the chains of the table that it cannot list', async () => {
  await nftEndsAt('owned')
  const ruleset = await readRuleset(AbortSignal.timeout(60_000))
  expect('listed' in ruleset && parseNative(ruleset.listed).strict).toEqual([
    'inet open input input',
    'inet owned input input',
    'inet owned forward forward',
  ])
})
