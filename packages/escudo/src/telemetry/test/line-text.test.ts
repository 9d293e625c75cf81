import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytesOf, joined } from '../line-text.ts'
import { createLogger, LineFile } from '../pino.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-lines-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('the destinations of a logger share one text, and its bytes', () => {
  const line = 'a line\n'
  const first = joined('lines\n', line)
  expect(first).toBe('lines\na line\n')
  const second = joined('lines\n', line)
  expect(bytesOf(second)).toBe(bytesOf(first))
})

test('any collections of lines are joined and made bytes as without sharing', () => {
  const lines = fc.array(fc.oneof(fc.constantFrom('a\n', 'b\n', 'é💥\n', '\ud800\n'), fc.string()), { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 6 }), (collections) => {
      // One line of each collection after the other, as destinations get them.
      const texts = collections.map(() => '')
      for (let index = 0; index < 6; index += 1) {
        for (const [which, collection] of collections.entries()) {
          texts[which] = joined(texts[which] ?? '', collection[index] ?? '')
        }
      }
      for (const [which, collection] of collections.entries()) {
        expect(texts[which]).toBe(collection.join(''))
        expect(bytesOf(texts[which] ?? '')).toEqual(Buffer.from(collection.join('')))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('each of two files gets every line once, also when one of them is flushed alone', () => {
  const files = ['one.jsonl', 'two.jsonl'].map((name) => new LineFile(join(folder, name)))
  const log = createLogger({ service: 'shop', stdout: false, sink: files })
  for (let index = 0; index < 100; index += 1) {
    log.info({ index, text: 'é💥' }, 'line')
    if (index % 30 === 7) files[1]?.reopen()
  }
  log.flush()
  const texts = ['one.jsonl', 'two.jsonl'].map((name) => readFileSync(join(folder, name), 'utf8'))
  expect(texts[0]).toBe(texts[1])
  const indices = texts[0]?.split('\n').filter((text) => text !== '')
  expect(indices?.map((text) => JSON.parse(text).index)).toEqual(Array.from({ length: 100 }, (_, index) => index))
})
