import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogFiles } from '../journal/log-files.ts'
import { type Range, type Summary, summarize } from '../report/summary.ts'

/** A log file on disk, and the dashboard's view of it. */
export interface TestLog {
  readonly path: string
  readonly files: LogFiles
  /** Appends lines and reads them. An object without a time gets the current one. */
  readonly append: (...lines: readonly unknown[]) => Promise<void>
  readonly summary: (range?: Range) => Summary
  readonly remove: () => Promise<void>
}

const TIMES = ['timestamp', 'time', 'ts', '@timestamp']

/** Creates an empty log in a temporary folder. */
export async function createTestLog(name: string): Promise<TestLog> {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-log-'))
  const path = join(folder, name)
  await writeFile(path, '')
  const files = new LogFiles([path])
  return {
    path,
    files,
    append: async (...lines) => {
      await appendFile(path, lines.map((line) => `${textOf(line)}\n`).join(''))
      await files.poll()
    },
    summary: (range) => summarize(files, range),
    remove: async () => {
      await files.end()
      await rm(folder, { recursive: true })
    },
  }
}

function textOf(line: unknown): string {
  if (typeof line === 'string') return line
  const fields = line as Readonly<Record<string, unknown>>
  const hasTime = TIMES.some((name) => name in fields)
  return JSON.stringify(hasTime ? fields : { timestamp: new Date().toISOString(), ...fields })
}

/** Returns a port of loopback on which nothing listens. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
