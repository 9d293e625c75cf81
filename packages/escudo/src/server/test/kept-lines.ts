import { expect, vi } from 'vitest'
import { createLogger } from '../../telemetry/pino.ts'
import type { ServerLogger } from '../logger.ts'

export type Line = Readonly<Record<string, unknown>> & { readonly event: string }

/** Less than a test may take. */
const LINE_MS_MAX = 15_000

/** A logger, and the lines that it has written. */
export interface KeptLines {
  readonly lines: Line[]
  readonly logger: ServerLogger
  /** Waits until there is a line of an event, and returns the lines of this event. */
  waitFor(event: string): Promise<readonly Line[]>
}

/** Makes a logger that keeps its lines. */
export function keptLines(): KeptLines {
  const lines: Line[] = []
  const sink = { write: (line: string) => lines.push(JSON.parse(line)) }
  const waitFor = async (event: string): Promise<readonly Line[]> => {
    const found = (): Line[] => lines.filter((line) => line.event === event)
    await vi.waitFor(() => expect(found().length).toBeGreaterThan(0), { timeout: LINE_MS_MAX, interval: 5 })
    return found()
  }
  return { lines, logger: createLogger({ service: 'shop', level: 'debug', stdout: false, sink }), waitFor }
}
