import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blankOut, endsWithNewline, pageWrites, wholeWrites } from '../partial-line.ts'

let path = ''
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'escudo-partial-')), 'shop.jsonl')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

describe('blankOut', () => {
  test.each([
    ['at the end', '{"a":1}\n{"par', '{"a":1}\n\n\n\n\n\n'],
    ['before the line of another process', '{"a":1}\n{"par{"b":2}\n', '{"a":1}\n\n\n\n\n\n{"b":2}\n'],
    ['before a line that begins with the same text', '{"par{"part":1}\n', '\n\n\n\n\n{"part":1}\n'],
    ['between whole lines', '{"part":0}\n{"par{"b":2}\n{"part":1}\n', '{"part":0}\n\n\n\n\n\n{"b":2}\n{"part":1}\n'],
    ['as the whole file', '{"par', '\n\n\n\n\n'],
  ])('removes a partial line %s, and nothing else', (_, before, after) => {
    writeFileSync(path, before)
    expect(blankOut(path, Buffer.from('{"par'))).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe(after)
  })

  test('changes nothing if the part is not in the file, or there is no file', () => {
    expect(blankOut(path, Buffer.from('x'))).toBe(false)
    writeFileSync(path, '{"a":1}\n')
    expect(blankOut(path, Buffer.from('{"par'))).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n')
  })
})

test.each([
  ['', true],
  ['{"a":1}\n', true],
  ['{"a":1}', false],
])('a file with %j ends with a whole line: %s', (text, expected) => {
  writeFileSync(path, text)
  expect(endsWithNewline(path, text.length)).toBe(expected)
})

describe('a batch is divided', () => {
  const lines = fc
    .array(fc.oneof(fc.nat(300), fc.nat(9_000)), { maxLength: 60 })
    .map((lengths) => Buffer.from(lengths.map((length) => `${'x'.repeat(length)}\n`).join('')))

  test('into whole lines, so that a write changes one page after its first line', () => {
    fc.assert(
      fc.property(lines, fc.nat(20_000), (batch, at) => {
        const parts = [...pageWrites(batch, at)]
        expect(Buffer.concat(parts).equals(batch)).toBe(true)
        let start = at
        for (const part of parts) {
          const second = start + part.indexOf(10) + 1
          start += part.length
          expect(part.at(-1)).toBe(10)
          if (second < start) expect(Math.floor(second / 4_096)).toBe(Math.floor((start - 1) / 4_096))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('into whole lines of at most 4 KiB for a pipe, except for longer lines', () => {
    fc.assert(
      fc.property(lines, (batch) => {
        const parts = [...wholeWrites(batch)]
        expect(Buffer.concat(parts).equals(batch)).toBe(true)
        for (const part of parts) {
          expect(part.at(-1)).toBe(10)
          expect(part.length <= 4_096 || part.indexOf(10) === part.length - 1).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
