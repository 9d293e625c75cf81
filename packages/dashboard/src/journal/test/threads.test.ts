import { appendFile, mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { summarize } from '../../report/summary.ts'
import { writeAwkwardLog } from '../../test/awkward-log.ts'
import { iso } from '../../test/awkward-values.ts'
import { LogFiles } from '../log-files.ts'
import { type PoolOptions, ScanPool } from '../scan-pool.ts'

const LINES = 24_000
const NOW = Date.now()

let folder: string
let path: string
let alone: Read
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-threads-'))
  path = join(folder, 'all.log')
  await writeAwkwardLog(path, 1_200, 7)
  let text = ''
  for (let number = 0; number < LINES; number += 1) text += lineOf(number)
  await appendFile(path, text)
  alone = await read({ size: 0 })
})
afterAll(() => rm(folder, { recursive: true }))

/** Requests of many services and routes, calls between them, failures, and lines without a service. */
function lineOf(number: number): string {
  const id = (value: number): string => value.toString(16).padStart(16, '0')
  return `${JSON.stringify({
    log_level: number % 500 === 0 ? 'critical' : 'info',
    timestamp: iso(NOW - 600_000 + number * 10 - (number % 7) * 100),
    service: number % 11 === 0 ? undefined : `s${number % 13}`,
    instance: number % 5 === 0 ? `i${number % 3}` : undefined,
    pid: number % 2 === 0 ? 100 + (number % 9) : undefined,
    trace_id: id(number >> 2),
    span_id: id(number),
    parent_span_id: number % 4 === 0 ? undefined : id(number - 1),
    path: number % 50 === 0 ? '/healthz' : `/r${number % 40}/${number}`,
    status_code: number % 20 === 0 ? 503 : 200,
    latency_ms: number % 30 === 0 ? undefined : (number % 997) / 8,
    event: 'http.request',
  })}\n`
}

interface Read {
  readonly counted: unknown
  readonly scanned: number
}

/** A pool that does something else before it hands over a block. */
class LatePool extends ScanPool {
  beforeBlock: () => Promise<void> = async () => {}

  override scan(...job: Parameters<ScanPool['scan']>): ReturnType<ScanPool['scan']> {
    const scanned = super.scan(...job)
    return scanned?.then(async (block) => {
      await this.beforeBlock()
      return block
    })
  }
}

/** Reads the file with such threads, and returns all that was counted. `meanwhile` runs before each block is handed over. */
async function read(options: Partial<PoolOptions>, meanwhile?: (files: LogFiles) => Promise<void>): Promise<Read> {
  let pool: LatePool | undefined
  const started: Promise<unknown>[] = []
  const onWorker = (worker: Worker): void => {
    started.push(new Promise((resolve) => worker.once('online', resolve).once('exit', resolve)))
  }
  process.on('worker', onWorker)
  const files = new LogFiles(
    [path],
    undefined,
    () => NOW,
    (journal) => {
      pool = new LatePool(journal, { bytesMin: 0, ...options })
      pool.beforeBlock = async () => await meanwhile?.(files)
      return pool
    },
  )
  await files.poll()
  // The first block shows whether threads help, and the second one starts them.
  await files.backfill()
  await files.backfill()
  // Until then, the main thread reads the blocks.
  await Promise.all(started)
  process.off('worker', onWorker)
  while (await files.backfill());
  const { journal } = files
  const counted = {
    summary: summarize(files),
    services: journal.services.all.map(({ name, processes, lastLineAt }) => [name, processes.all, lastLineAt]),
    edges: journal.services.edges.all.map(({ caller, callee, total }) => [caller.name, callee.name, total]),
    errors: journal.errors.items.map(({ ref: _, ...error }) => error),
    groups: journal.errorGroups.all,
    tail: journal.tail.items.map(({ ref, id: _, ...line }) => [ref?.slice(1), line]),
  }
  await files.end()
  return { counted, scanned: pool?.scanned ?? 0 }
}

describe('threads that scan a large file', () => {
  it('lead to the same counts, errors and tail as the main thread alone', async () => {
    const together = await read({ size: 2 })
    expect(alone.scanned).toBe(0)
    expect(together.scanned).toBeGreaterThan(2)
    expect(together.counted).toEqual(alone.counted)
  })

  it('lose nothing and count nothing twice when one of them dies', async () => {
    const url = new URL('./crashing-worker.ts', import.meta.url)
    const together = await read({ size: 1, url })
    expect(together.scanned).toBeGreaterThan(0)
    expect(together.counted).toEqual(alone.counted)
  })

  it('are done without if their program is missing', async () => {
    const url = new URL('./missing-worker.ts', import.meta.url)
    expect(await read({ size: 2, url })).toEqual(alone)
  })

  it('count nothing of a file that was truncated meanwhile', async () => {
    let before: number | undefined
    let isTruncated = false
    const { counted, scanned } = await read({ size: 2 }, async (files) => {
      if (isTruncated) return
      isTruncated = true
      await truncate(path, 0)
      await files.poll()
      before = summarize(files).requests
    })
    const { requests } = (counted as { summary: { requests: number } }).summary
    expect(scanned).toBeGreaterThan(0)
    expect(requests).toBe(before)
  })
})
