import { array, assert as check, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvOf } from '../csv.ts'

/** Reads CSV as RFC 4180 describes it. */
function read(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]]
  const cell = /("(?:[^"]|"")*"|[^,"\r\n]*)(,|\r\n)/gy
  for (let found = cell.exec(text); found !== null; found = cell.exec(text)) {
    const [, raw = '', end] = found
    rows.at(-1)?.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw)
    if (end === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

describe('csvOf', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =cmd', "'  =cmd"],
    ['\t=cmd', "'\t=cmd"],
    ['\u0000=cmd', "'\u0000=cmd"],
    ['\u00a0=cmd', "'\u00a0=cmd"],
    ['＝1', "'＝1"],
    ['\r=1', '"\'\r=1"'],
    ['\n', '"\'\n"'],
    ['a=1', 'a=1'],
    ['/items/{id}', '/items/{id}'],
    ['a "quoted", text', '"a ""quoted"", text"'],
  ])('writes %j so that no spreadsheet takes it for a formula', (cell, expected) => {
    expect(csvOf(['x'], [[cell]])).toBe(`x\r\n${expected}\r\n`)
  })

  it('writes numbers as they are, and nothing for what is not there', () => {
    expect(csvOf(['a', 'b', 'c', 'd'], [[-1.5, null, undefined, false]])).toBe('a,b,c,d\r\n-1.5,,,false\r\n')
  })

  it('is read back as it was, except for the apostrophe before a formula', () => {
    const hostile = constantFrom('=', '+', '-', '@', '"', ',', '\r', '\n', '\t', ' ', 'a', '＝')
    const text = oneof(
      string(),
      array(hostile, { maxLength: 6 }).map((parts) => parts.join('')),
    )
    const rows = array(array(text, { minLength: 3, maxLength: 3 }), { maxLength: 5 })
    check(
      property(rows, (given) => {
        const [, ...found] = read(csvOf(['a', 'b', 'c'], given))
        expect(found.length).toBe(given.length)
        for (const [at, row] of found.entries())
          for (const [index, cell] of row.entries()) {
            expect(cell.replace(/^'(?=[\s\p{Cc}]*[=+\-@＝＋－＠]|[\t\r\n])/u, '')).toBe(
              given[at]?.[index]?.replace(/^'(?=[\s\p{Cc}]*[=+\-@＝＋－＠]|[\t\r\n])/u, ''),
            )
            expect(cell).not.toMatch(/^[\s\p{Cc}]*[=+\-@＝＋－＠]/u)
          }
      }),
      { numRuns: 1_000 },
    )
  })
})
