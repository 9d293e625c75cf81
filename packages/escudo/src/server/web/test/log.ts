import { createLogger } from '../../../telemetry/pino.ts'
import type { ServerLogger } from '../../logger.ts'

/** A logger that keeps its lines. */
export function keptLines(): { readonly lines: readonly Record<string, unknown>[]; readonly logger: ServerLogger } {
  const lines: Record<string, unknown>[] = []
  const sink = { write: (line: string) => lines.push(JSON.parse(line)) }
  return { lines, logger: createLogger({ service: 'shop', level: 'debug', stdout: false, sink }) }
}
