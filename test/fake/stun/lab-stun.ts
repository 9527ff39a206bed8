import type { Manner } from './stun-answers.ts'
import { startStunServer } from './stun-server.ts'

// Arguments: address, port and manner (JSON). Runs on a host of the laboratory, as long as that does.
const [, , address = '0.0.0.0', port = '3478', manner = '{"kind":"honest"}'] = process.argv
await startStunServer(address, Number(port), JSON.parse(manner) as Manner)
console.log('ready')
