import { createHash } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PackedWriter } from '../../counts/packed.ts'
import { summarize } from '../../report/summary.ts'
import { CacheFile } from '../cache-file.ts'
import { piecesOf } from '../state-cache.ts'
import { begin, countedBy, fresh, NOW, run, withoutCalls } from './setup.ts'

/** A piece is a quarter of a mebibyte, and what is packed at once beyond it. */
const PIECE_BYTES_MAX = 524_288
const CHECK_BYTES = 32

let folder: string
let cache: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-cache-'))
  cache = join(folder, 'cache')
  path = join(folder, 'shop.jsonl')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

/** Requests with many routes, so that their counts are more than a few pieces. */
function linesOf(from: number, to: number): string {
  let text = ''
  for (let number = from; number < to; number += 1) {
    const timestamp = new Date(NOW - 600_000 + number * 5).toISOString()
    const route = `/r${number % 190}`
    const request = { trace_id: `t${number >> 2}`, route, status_code: 200, latency_ms: (number % 997) / 8 }
    text += `${JSON.stringify({ timestamp, service: 'shop', ...request, event: 'http.request' })}\n`
  }
  return text
}

/** Writes as to a slow disk. Returns the lengths of the pieces. */
function slowDisk(pieceMs: number): number[] {
  const lengths: number[] = []
  vi.spyOn(CacheFile.prototype, 'write').mockImplementation(async function (this: CacheFile, pieces) {
    const copies: Buffer[] = []
    for (const piece of pieces) {
      lengths.push(piece.length)
      copies.push(Buffer.from(piece))
      await delay(pieceMs)
    }
    this.writeNow(copies)
  })
  return lengths
}

describe('a state that is stored in pieces', () => {
  it('is asked for its next piece once one is written', async () => {
    const file = new CacheFile(cache, 'key')
    function* pieces(): Generator<Uint8Array> {
      // The same memory for all of them.
      const piece = Buffer.alloc(10_000)
      for (let number = 0; number < 5; number += 1) yield piece.fill(number)
    }
    await file.write(pieces())
    const written = await readFile(file.path)
    const start = written.indexOf(10) + 1
    expect(written.length).toBe(start + 50_000 + CHECK_BYTES)
    for (let number = 0; number < 5; number += 1) {
      const piece = written.subarray(start + number * 10_000, start + (number + 1) * 10_000)
      expect(piece.every((byte) => byte === number)).toBe(true)
    }
  })

  it('has no large piece, and counts no line twice that is appended meanwhile', { timeout: 30_000 }, async () => {
    await writeFile(path, linesOf(0, 60_000))
    const first = await begin([path], cache)
    await first.files.readAll()
    const lengths = slowDisk(5)
    const storing = first.cache.store()
    await appendFile(path, linesOf(60_000, 60_100))
    await first.files.poll()
    await storing
    await first.files.end()
    expect(lengths.length).toBeGreaterThan(4)
    expect(Math.max(...lengths)).toBeLessThan(PIECE_BYTES_MAX)
    const again = await run([path], cache)
    expect(again.hasRestored).toBe(true)
    expect(withoutCalls(again.counted)).toEqual(withoutCalls(await fresh([path])))
  })

  it('lets new lines wait for a slow disk for a short time only', async () => {
    await writeFile(path, linesOf(0, 60_000))
    const { files, cache: one } = await begin([path], cache)
    await files.readAll()
    slowDisk(300)
    const storing = one.store()
    await appendFile(path, linesOf(60_000, 60_100))
    const started = performance.now()
    await files.poll()
    expect(performance.now() - started).toBeLessThan(1_000)
    await storing
    await files.end()
    const again = await begin([path], cache)
    await again.files.readAll()
    expect(withoutCalls(countedBy(again.files))).toEqual(withoutCalls(await fresh([path])))
    await again.files.end()
  })

  it('lets lines be read again once the counts are packed', () => {
    const steps: string[] = []
    function* steady(name: string): Generator<void> {
      for (const number of [1, 2]) {
        steps.push(`${name} ${number}`)
        yield
      }
    }
    const state = { counts: steady('counts'), filters: steady('filters') }
    for (const _ of piecesOf(state, new PackedWriter(), () => steps.push('resume')));
    expect(steps).toEqual(['counts 1', 'counts 2', 'resume', 'filters 1', 'filters 2'])
  })

  it('is removed if its next piece cannot be made', async () => {
    const file = new CacheFile(cache, 'key')
    function* pieces(): Generator<Uint8Array> {
      yield Buffer.alloc(10_000)
      throw new RangeError('too large')
    }
    await expect(file.write(pieces())).rejects.toThrow('too large')
    expect(() => file.writeNow(pieces())).toThrow('too large')
    expect(await readdir(cache)).toEqual([])
  })

  it('keeps no line from being read if it cannot be written', async () => {
    await writeFile(path, linesOf(0, 100))
    await writeFile(cache, 'no folder')
    const { files, cache: one, problems } = await begin([path], join(cache, 'below'))
    await files.readAll()
    await one.store()
    expect(problems.at(-1)).toMatch(/is not stored/)
    await appendFile(path, linesOf(100, 200))
    await files.poll()
    expect(summarize(files).requests).toBe(200)
    await files.end()
  })

  it('is not gone on from in part: the process ends, and the next one reads the files', async () => {
    await writeFile(path, linesOf(0, 3_000))
    await run([path], cache)
    const [name = ''] = await readdir(cache)
    const body = (await readFile(join(cache, name))).subarray(0, -CHECK_BYTES - 100)
    await writeFile(join(cache, name), [body, createHash('sha256').update(body).digest()])
    await expect(begin([path], cache)).rejects.toThrow('too early')
    const next = await run([path], cache)
    expect([next.hasRestored, next.problems]).toEqual([false, []])
    expect(next.counted).toEqual(await fresh([path]))
    expect((await stat(join(cache, name))).mode & 0o777).toBe(0o600)
  })
})
