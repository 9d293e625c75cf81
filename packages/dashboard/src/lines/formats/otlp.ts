import { isJson, type Json, numberOf, text } from '../log-fields.ts'

const DEPTH_MAX = 4
/** The most records that are read from one line. */
const RECORDS_MAX = 100_000

/** Whether a line is a batch of OpenTelemetry log records in JSON. */
export function isOtlpLogs(json: Json): boolean {
  return Array.isArray(json['resourceLogs'])
}

/** Returns the records of a batch as flat objects: attributes under their names, the record's own fields under general names. */
export function otlpRecords(json: Json): readonly Json[] {
  const records: Json[] = []
  for (const resource of objectsOf(json['resourceLogs'])) {
    const shared = isJson(resource['resource']) ? attributesOf(resource['resource']['attributes']) : {}
    for (const scope of [...objectsOf(resource['scopeLogs']), ...objectsOf(resource['instrumentationLibraryLogs'])]) {
      for (const record of objectsOf(scope['logRecords'])) {
        if (records.length >= RECORDS_MAX) return records
        records.push({ ...shared, ...otlpRecord(record) })
      }
    }
  }
  return records
}

/** Whether a line is one OpenTelemetry log record. */
export function isOtlpRecord(json: Json): boolean {
  return (
    (json['timeUnixNano'] !== undefined || json['observedTimeUnixNano'] !== undefined) &&
    (Array.isArray(json['attributes']) || isJson(json['body']) || json['severityNumber'] !== undefined)
  )
}

/** Returns one record as a flat object. */
export function otlpRecord(record: Json): Json {
  const time = record['timeUnixNano']
  const hasTime = time !== undefined && time !== 0 && time !== '0'
  return {
    ...attributesOf(record['attributes']),
    time: hasTime ? time : record['observedTimeUnixNano'],
    level: record['severityNumber'] ?? record['severityText'],
    message: otlpValue(record['body'], 0),
    trace_id: record['traceId'],
    span_id: record['spanId'],
    ...(typeof record['eventName'] === 'string' ? { event: record['eventName'] } : {}),
  }
}

function attributesOf(list: unknown): Json {
  const pairs: [string, unknown][] = []
  for (const { key, value } of objectsOf(list)) if (typeof key === 'string') pairs.push([key, otlpValue(value, 0)])
  return Object.fromEntries(pairs)
}

function otlpValue(value: unknown, depth: number): unknown {
  if (!isJson(value) || depth > DEPTH_MAX) return value
  if (value['stringValue'] !== undefined) return value['stringValue']
  if (value['intValue'] !== undefined) return numberOf(value['intValue'])
  if (value['doubleValue'] !== undefined) return value['doubleValue']
  if (value['boolValue'] !== undefined) return value['boolValue']
  const list = value['kvlistValue']
  if (isJson(list))
    return Object.fromEntries(
      objectsOf(list['values']).map((pair) => [text(pair['key']) ?? '', otlpValue(pair['value'], depth + 1)]),
    )
  return value
}

function objectsOf(list: unknown): readonly Json[] {
  return Array.isArray(list) ? list.filter(isJson) : []
}
