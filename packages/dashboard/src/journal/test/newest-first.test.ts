import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { summarize } from '../../report/summary.ts'
import { LogFiles } from '../log-files.ts'

/** About 6 MiB: a file of up to 4 MiB is read from its start. */
const LINES = 40_000
const START = Date.now() - LINES

function lineOf(number: number, status = 200): string {
  const trace = number.toString(16).padStart(32, '0')
  return `{"timestamp":"${new Date(START + number).toISOString()}","service":"s${number % 3}","trace_id":"${trace}","status_code":${status},"latency_ms":${number % 250},"path":"/items/${number}","event":"http.request"}\n`
}

let folder: string
let path: string
let files: LogFiles
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-newest-'))
  path = join(folder, 'large.jsonl')
  let text = ''
  for (let number = 0; number < LINES; number += 1) text += lineOf(number, number % 100 === 0 ? 503 : 200)
  await writeFile(path, text)
  files = new LogFiles([path])
})
afterEach(async () => {
  await files.end()
  await rm(folder, { recursive: true })
})

describe('a large file', () => {
  it('is read from its end first, and the summary says how much is left', async () => {
    await files.poll()
    const first = summarize(files)
    expect(first.requests).toBeGreaterThan(1_000)
    expect(first.requests).toBeLessThan(LINES / 2)
    expect(files.journal.named.newest).toBe(START + LINES - 1)
    expect(first.progress.read).toBe(0)
    expect(first.progress.all).toBeGreaterThan(3_000_000)
    await files.backfill()
    const second = summarize(files)
    expect(second.requests).toBeGreaterThan(first.requests)
    expect(second.progress).toMatchObject({ all: first.progress.all })
    expect(second.progress.read).toBeGreaterThan(0)
  })

  it('is counted once, with lines that are appended while older ones are read', async () => {
    await files.poll()
    await files.backfill()
    await appendFile(path, lineOf(LINES, 418))
    await files.poll()
    while (await files.backfill());
    const { requests, by_status, progress, lines } = summarize(files)
    expect({ requests, by_status, progress }).toEqual({
      requests: LINES + 1,
      by_status: { 200: LINES - LINES / 100, 418: 1, 503: LINES / 100 },
      progress: { read: 0, all: 0 },
    })
    expect(lines).toMatchObject({ read: LINES + 1, recognised: LINES + 1, malformed: 0 })
  })
})
