/**
 * The files that take longest in a usual run, longest first: they begin, so that none of them goes on alone at the end. By
 * the durations in a report of `vitest run --reporter=json`.
 */
export const LONGEST: readonly string[] = [
  'test/contract/openwrt/openwrt-others.lab.test.ts',
  'test/agent/routers/openwrt-events.lab.test.ts',
  'test/agent/routers/mikrotik-events.lab.test.ts',
  'test/alerts/both-ends.patient.test.ts',
  'test/install/services.lab.test.ts',
  'test/agent/healing/causes.patient.test.ts',
  'test/contract/openwrt/openwrt-power-cut.lab.test.ts',
  'test/alerts/faults.patient.test.ts',
  'test/agent/routers/router-home.lab.test.ts',
  'test/hub/firewalls/way-in.lab.test.ts',
  'test/hub/publish/publish-keep.lab.test.ts',
  'test/hub/publish/publish.lab.test.ts',
  'test/contract/openwrt/openwrt-killed.lab.test.ts',
  'test/hub/firewalls/hub-services.lab.test.ts',
  'test/hub/run/device-reach.lab.test.ts',
  'test/agent/routers/openwrt-power-cut.lab.test.ts',
  'test/hub/publish/publish-limits.lab.test.ts',
  'test/agent/membership/join.lab.test.ts',
  'test/system/planted-links.lab.test.ts',
  'test/agent/rotation/key-rotation.lab.test.ts',
  'test/contract/openwrt/openwrt-rules.lab.test.ts',
  'test/agent/routers/mikrotik-causes.lab.test.ts',
  'test/install/upgrade.lab.test.ts',
  'test/alerts/new-home.patient.test.ts',
  'test/agent/routers/openwrt.lab.test.ts',
  'test/agent/routers/mikrotik.lab.test.ts',
  'test/agent/routers/openwrt-luci.lab.test.ts',
  'test/agent/membership/proof/who-drops.lab.test.ts',
]
