import { appendFile, readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Child, freePort } from './child.ts'
import { logLine } from './log.ts'
import { SOURCE } from './program.ts'

/** The measurements of one program. */
export interface Measured {
  /** From its start until the first figures. */
  readonly firstMs: number | undefined
  /** From its start until every line was counted. */
  readonly allMs: number | undefined
  /** From the append of a line, while the program is reading, until the line was counted. */
  readonly appendedMs: number | undefined
  readonly peakMb: number | undefined
  readonly afterMb: number | undefined
  readonly requests: number
  readonly remark: string
}

const TIMEOUT_MS = 300_000

/** What else is measured. */
export interface ServedOptions {
  /** The program; default: the source. */
  readonly program?: string
  /** Where the state is stored; default: nowhere. */
  readonly cache?: string
  /** Called with the port once all lines are read. */
  readonly onRead?: (port: number) => Promise<void>
}

/** Measures the dashboard on a log of `lines` lines. It appends one line. */
export async function measureDashboard(
  path: string,
  lines: number,
  { program = SOURCE, cache, onRead }: ServedOptions = {},
): Promise<Measured> {
  const port = await freePort()
  const started = performance.now()
  const since = (): number => performance.now() - started
  const cached = cache === undefined ? ['--no-cache'] : ['--cache', cache]
  const child = new Child([program, '--no-open', '--port', String(port), ...cached, path])
  try {
    const first = await until(
      () => summaryOf(port),
      (summary) => (summary?.requests ?? 0) > 0,
    )
    const firstMs = since()
    const appended = performance.now()
    await appendFile(
      path,
      logLine(lines, Date.now()).replace('502', '599').replace('"status_code":200', '"status_code":599'),
    )
    await until(
      () => summaryOf(port),
      (summary) => summary?.by_status['599'] === 1,
    )
    const appendedMs = performance.now() - appended
    const wasReading = ((await summaryOf(port))?.requests ?? 0) < lines
    const last = await until(
      () => summaryOf(port),
      (summary) => summary?.requests === lines + 1,
      50,
    )
    const allMs = since()
    await delay(1_000)
    const memory = await child.memory()
    await onRead?.(port)
    if (cache !== undefined)
      await until(
        () => readdir(cache),
        (names) => names.some((name) => name.endsWith('.state')),
      )
    return {
      firstMs: first === undefined ? undefined : firstMs,
      allMs: last === undefined ? undefined : allMs,
      appendedMs,
      peakMb: memory?.peak,
      afterMb: memory?.now,
      requests: last?.requests ?? 0,
      remark: wasReading
        ? 'the line was appended while older lines were being read'
        : 'all older lines were read before the append',
    }
  } finally {
    await child.end()
  }
}

/** Returns the time from the start of the dashboard on a log that it read before until it shows all its lines. */
export async function measureRestart(
  path: string,
  lines: number,
  program: string,
  cache: string,
): Promise<number | undefined> {
  const port = await freePort()
  const started = performance.now()
  const child = new Child([program, '--no-open', '--port', String(port), '--cache', cache, path])
  try {
    const first = await until(
      () => summaryOf(port),
      (summary) => summary !== undefined,
    )
    const tookMs = performance.now() - started
    return first?.requests === lines ? tookMs : undefined
  } finally {
    await child.end()
  }
}

/** Measures the script that reads the whole log again every two seconds. */
export async function measureReread(path: string): Promise<Measured> {
  const started = performance.now()
  const child = new Child(['--max-old-space-size=8192', 'bench/dashboard/reread.ts', path])
  const passes = (): readonly { requests: number; ms: number }[] => child.lines.map((line) => JSON.parse(line))
  let peakMb: number | undefined
  let afterMb: number | undefined
  let firstMs: number | undefined
  let appendedAt: number | undefined
  let appendedMs: number | undefined
  try {
    while (!child.hasExited && performance.now() - started < TIMEOUT_MS && appendedMs === undefined) {
      const memory = await child.memory()
      peakMb = memory?.peak ?? peakMb
      afterMb = memory?.now ?? afterMb
      const [first] = passes()
      if (first !== undefined && firstMs === undefined) {
        firstMs = performance.now() - started
        // Append during the next pass.
        await delay(2_200)
        appendedAt = performance.now()
        await appendFile(path, logLine(0, Date.now()))
      }
      if (
        appendedAt !== undefined &&
        first !== undefined &&
        passes().some(({ requests }) => requests > first.requests)
      ) {
        appendedMs = performance.now() - appendedAt
      }
      await delay(20)
    }
    const requests = passes().at(-1)?.requests ?? 0
    const each = passes().map(({ ms }) => `${(ms / 1_000).toFixed(1)} s`)
    const remark = child.hasExited ? 'it exited, out of memory' : `its passes took ${each.join(', ')}`
    return { firstMs, allMs: firstMs, appendedMs, peakMb, afterMb, requests, remark }
  } finally {
    await child.end()
  }
}

interface SummaryJson {
  readonly requests: number
  readonly by_status: Readonly<Record<string, number>>
}

async function summaryOf(port: number): Promise<SummaryJson | undefined> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/api/summary`)).json()) as SummaryJson
  } catch {
    return undefined
  }
}

async function until<T>(read: () => Promise<T>, isDone: (value: T) => boolean, everyMs = 10): Promise<T | undefined> {
  const end = performance.now() + TIMEOUT_MS
  while (performance.now() < end) {
    const value = await read()
    if (isDone(value)) return value
    await delay(everyMs)
  }
  return undefined
}
