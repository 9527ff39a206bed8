import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { proveOutside } from '../../../cli/publish/prove-outside.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listening(host: string): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, host)
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

describe('the hub’s public port, dialled from home', () => {
  test('answers where visitors come, over IPv4', async () => {
    const port = await listening('127.0.0.1')
    expect(await proveOutside(['::1', 'localhost'], port)).toEqual({
      link: 'outside',
      works: true,
      said: `localhost:${port} answers on the internet`,
    })
  })

  test('is not proven by who listens at the hub’s IPv6 address', async () => {
    const port = await listening('::1')
    expect(await proveOutside(['localhost'], port)).toMatchObject({ link: 'outside', works: false })
  })

  test('cannot be tried, and nobody is accused, where only IPv6 addresses are known', async () => {
    const port = await listening('::1')
    const { works, said } = await proveOutside(['::1'], port)
    expect(works).toBeNull()
    expect(said).toBe(
      'this home knows the hub by IPv6 addresses only, and visitors come over IPv4: try it from a network that has IPv4',
    )
  })
})
