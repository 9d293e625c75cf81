import type { TailLine } from '../../../src/journal/journal.ts'
import { matches } from '../../../src/search/matches.ts'
import { fold, type Term } from '../../../src/search/query.ts'

/** Whether a line of the tail passes a filter. */
export function passes(line: TailLine, terms: readonly Term[]): boolean {
  const { service, level, status, text: message, traceId, fields = {} } = line
  const field = (name: string): string | undefined => {
    const key = Object.keys(fields).find((one) => one.toLowerCase() === name)
    return key === undefined ? undefined : fields[key]
  }
  const own: Readonly<Record<string, readonly unknown[]>> = {
    service: [service],
    level: [level, field('level')],
    status: [status],
    latency: [line.latencyMs],
    trace: [traceId],
    text: [message],
    route: [line.route, field('route')],
    code: [field('error_code'), field('code')],
  }
  const subject = {
    at: line.at,
    isShortened: true,
    hasText: (text: string) =>
      fold([service, level, status, message, traceId].join(' ')).includes(text) ||
      Object.values(fields).some((value) => fold(value).includes(text)),
    values: (name: string) => (Object.hasOwn(own, name) ? (own[name] ?? []) : [field(name)]),
  }
  return matches(subject, terms)
}
