import type { Range } from '../report/summary.ts'
import type { EngineClient } from './engine-client.ts'
import type { EngineFields } from './engine-fields.ts'
import { oneOf, quoted, timeFilter } from './logsql.ts'

const REFUSAL = 'circuit_breaker.rejected'

/** The calls that a breaker refused. A summary names no policy: it counts for the first breaker of its shield. */
export type RefusalsOf = (service: string, shield: string, policy: string, isFirst: boolean) => number

/** Asks for the calls that breakers refused in a range. */
export async function refusalsBetween(
  client: EngineClient,
  { event, service }: EngineFields,
  { from, to }: Range,
): Promise<RefusalsOf> {
  const summary = 'policy.summary'
  const rows = await client.rows(
    `${timeFilter(from, to)} ${oneOf(event, [REFUSAL, summary])} | stats by (${service}, shield, policy, ${event}) ` +
      `count() as n, sum(${quoted(`counts.${REFUSAL}`)}) as s`,
  )
  const serviceName = JSON.parse(service) as string
  const counts = new Map<string, number>()
  const keyOf = (...names: readonly string[]): string => names.join('\u0000')
  for (const row of rows) {
    const names = [row[serviceName] || 'unknown', row['shield'] ?? '']
    const isSummary = row[event] === summary
    const key = isSummary ? keyOf(...names) : keyOf(...names, row['policy'] || 'circuitBreaker')
    counts.set(key, (counts.get(key) ?? 0) + (isSummary ? Number(row['s']) || 0 : Number(row['n'])))
  }
  return (name, shield, policy, isFirst) =>
    (counts.get(keyOf(name, shield, policy)) ?? 0) + (isFirst ? (counts.get(keyOf(name, shield)) ?? 0) : 0)
}
