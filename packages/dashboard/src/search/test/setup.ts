import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogFiles } from '../../journal/log-files.ts'
import { type SearchEnd, searchHistory } from '../history.ts'
import { queryOf } from '../query.ts'
import type { SearchLine } from '../search-line.ts'

/** Log files on disk that are searched. */
export interface History {
  readonly files: LogFiles
  readonly folder: string
  /** Searches, and continues `limit` lines at a time until nothing is left. */
  readonly all: (query: string, limit?: number) => Promise<readonly SearchLine[]>
  /** Searches once. */
  readonly page: (query: string, limit: number, from?: unknown) => Promise<SearchEnd & { lines: SearchLine[] }>
  readonly remove: () => Promise<void>
}

/** Writes log files by name, and reads them. */
export async function historyOf(contents: Readonly<Record<string, string | Buffer>>): Promise<History> {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-search-'))
  for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content)
  const files = new LogFiles(Object.keys(contents).map((name) => join(folder, name)))
  await files.readAll()
  const page: History['page'] = async (query, limit, from) => {
    const lines: SearchLine[] = []
    const { terms } = queryOf(query, Date.now())
    const { signal } = new AbortController()
    const onLine = (line: SearchLine): void => void lines.push(line)
    const end = await searchHistory(files, { terms, limit, from, signal, timeoutMs: 60_000, onLine })
    return { ...end, lines }
  }
  return {
    files,
    folder,
    page,
    all: async (query, limit = 1_000) => {
      const { lines, ...first } = await page(query, limit)
      for (let { next } = first; next !== undefined; ) {
        const more = await page(query, limit, next)
        lines.push(...more.lines)
        next = more.next
      }
      return lines
    },
    remove: async () => {
      await files.end()
      await rm(folder, { recursive: true })
    },
  }
}

/** Returns a request as a line of a log. */
export function requestLine(fields: Readonly<Record<string, unknown>>): string {
  const line = { event: 'http.request', log_level: 'info', service: 'shop', method: 'GET', path: '/', status_code: 200 }
  return `${JSON.stringify({ ...line, ...fields })}\n`
}
