import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogFiles } from '../journal/log-files.ts'
import { type Range, type Summary, summarize } from '../report/summary.ts'

/** A log file on the disk, and what the dashboard makes of it. */
export interface LogOf {
  readonly path: string
  readonly files: LogFiles
  /** Appends lines and has them read; objects get a timestamp of now unless they have a time. */
  readonly append: (...lines: readonly unknown[]) => Promise<void>
  readonly summary: (range?: Range) => Summary
  readonly remove: () => Promise<void>
}

const TIMES = ['timestamp', 'time', 'ts', '@timestamp']

/** A log in a folder of its own. */
export async function linesAsFile(name: string): Promise<LogOf> {
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
