import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from './processes.ts'
import type { Name, Target } from './target.ts'

/** A line of a log. */
export type Line = Readonly<Record<string, unknown>>

/** Returns the path of the log of a process. */
export function logPath(folder: string, name: Name): string {
  return join(folder, `${name}.jsonl`)
}

/** Reads the log of a process so far; throws if a line is not JSON. */
export async function readLog({ logFolder, logStarts }: Target, name: Name): Promise<readonly Line[]> {
  const bytes = await readFile(logPath(logFolder, name)).catch(() => Buffer.alloc(0))
  return bytes
    .subarray(logStarts?.[name] ?? 0)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** Returns the lines of one trace in the log of a process; waits for a line that satisfies `isAwaited`. */
export function linesOf(
  target: Target,
  name: Name,
  traceId: string,
  isAwaited: (line: Line, index: number, lines: readonly Line[]) => boolean = (line) =>
    line['event'] === 'http.request',
): Promise<readonly Line[]> {
  return until(
    `lines of trace ${traceId} in ${name}`,
    async () => {
      const lines = (await readLog(target, name)).filter((line) => line['trace_id'] === traceId)
      return lines.some(isAwaited) ? lines : undefined
    },
    2_000,
  )
}
