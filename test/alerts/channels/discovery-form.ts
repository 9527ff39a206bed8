import * as v from 'valibot'

/**
 * The form of MQTT device discovery as Home Assistant's manual has it (home-assistant.io/integrations/mqtt, device discovery and
 * the pages of each platform): what must be there, what may, and which classes go with which units.
 */
const text = v.pipe(v.string(), v.minLength(1))
const common = {
  unique_id: text,
  name: text,
  value_template: v.optional(v.pipe(v.string(), v.regex(/^\{\{ value_json\.\w+ \}\}$/))),
  entity_category: v.optional(v.picklist(['diagnostic', 'config'])),
}
const SensorSchema = v.pipe(
  v.strictObject({
    p: v.literal('sensor'),
    ...common,
    device_class: v.optional(v.picklist(['timestamp', 'duration', 'data_size'])),
    unit_of_measurement: v.optional(v.picklist(['ms', 'B'])),
    state_class: v.optional(v.picklist(['measurement', 'total_increasing'])),
  }),
  v.check(
    ({ device_class: kind, unit_of_measurement: unit, state_class: state }) =>
      kind === 'duration'
        ? unit === 'ms'
        : kind === 'data_size'
          ? unit === 'B'
          : unit === undefined && state === undefined,
    'a device class and a unit that do not go together',
  ),
)
const ComponentSchema = v.variant('p', [
  v.strictObject({
    p: v.literal('binary_sensor'),
    ...common,
    device_class: v.literal('connectivity'),
    payload_on: text,
    payload_off: text,
  }),
  SensorSchema,
  v.strictObject({
    p: v.literal('event'),
    ...common,
    state_topic: text,
    event_types: v.pipe(v.array(text), v.minLength(1)),
  }),
])
const DiscoverySchema = v.pipe(
  v.strictObject({
    dev: v.strictObject({ ids: v.pipe(v.array(text), v.minLength(1)), name: text, mf: text, mdl: text, sw: text }),
    o: v.strictObject({ name: text, sw: text }),
    avty: v.pipe(v.array(v.strictObject({ t: text })), v.minLength(1)),
    stat_t: text,
    qos: v.picklist([0, 1, 2]),
    cmps: v.record(v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]+$/)), ComponentSchema),
  }),
  v.check(({ cmps }) => {
    const ids = Object.values(cmps).map(({ unique_id: id }) => id)
    return new Set(ids).size === ids.length
  }, 'two components have the same unique_id'),
)

/** @throws when it has not that form. */
export function validDiscovery(document: unknown): v.InferOutput<typeof DiscoverySchema> {
  return v.parse(DiscoverySchema, document)
}
