import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readResolvers } from '../../../system/network/resolvers.ts'

test('the name servers of a machine are those of resolv.conf and behind a stub, IPv4 and not its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-resolvers-'))
  const [stub, real] = [join(folder, 'stub'), join(folder, 'real')]
  try {
    await writeFile(stub, '# nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver ::1\noptions edns0\n')
    await writeFile(real, 'search example.org\n  nameserver\t10.9.9.9\nnameserver 10.9.9.9\nnameserver 203.0.113.53 \n')
    expect(await readResolvers([stub, real, join(folder, 'missing')])).toEqual(['10.9.9.9', '203.0.113.53'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
