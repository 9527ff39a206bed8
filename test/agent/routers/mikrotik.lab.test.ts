import { joinOptions, labMikrotik } from '../../lab/places/mikrotik.ts'
import { routerJoins } from './router-joins.ts'

routerJoins({
  kind: 'mikrotik',
  sessions: 1,
  start: labMikrotik,
  options: joinOptions,
  // A menu that had nothing in it before is named in an export, too.
  foreign: (exported) =>
    exported.split('\n').filter((line) => !line.includes('"homeward hw0') && line !== '/ip/firewall/mangle'),
})
