import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../helpers/processes.ts'
import { ROW_NUMBER, rowsOf } from './row-number.ts'

const ROWS =
  '4.1a 4.1b 4.1c 4.1d 4.2a 4.2b 4.2c 4.2d 4.2e 4.2f 4.2g 4.2h 4.3 4.4a 4.4b 4.5 4.6a 4.6b 4.6c 4.6d 4.7a 4.7b 4.7c ' +
  '4.8a 4.8b 4.8c 4.9a 4.9b 4.10 body lang codes fault docs logs start cmd'

test('reads the row numbers at the start of a test name', () => {
  expect(rowsOf('4.7b: answers')).toEqual(['4.7b'])
  expect(rowsOf('4.7c, 4.10: a × b: c')).toEqual(['4.7c', '4.10'])
  expect(rowsOf('the codes: none')).toEqual([])
  expect(['4.1', 'codesign', 'x 4.1a: y'].map((name) => ROW_NUMBER.test(name))).toEqual([true, false, false])
})

test('every row of the contract has a test whose name starts with its number', async () => {
  const folder = join(ROOT, 'test/shop')
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.test.ts'))
  const sources = await Promise.all(files.map((path) => readFile(join(folder, path), 'utf8')))
  const names = sources.flatMap((source) => [...source.matchAll(/['"`]([\w.]+(?:, [\w.]+)*: .+)['"`]/g)])
  const present = new Set(names.flatMap(([, name = '']) => rowsOf(name)))
  expect(ROWS.split(' ').filter((row) => !present.has(row))).toEqual([])
})
