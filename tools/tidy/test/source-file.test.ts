import { expect, test } from 'vitest'
import { isSource, isTest } from '../source-file.ts'

test('treats every file in a test folder as a test', () => {
  expect(['src/a.test.ts', 'src/a.test-d.ts', 'src/test/setup.ts', 'test/shop/a.ts'].filter(isTest)).toHaveLength(4)
  expect(['src/a.ts', 'src/testing/a.ts', 'src/a.md'].filter(isTest)).toEqual([])
  expect(['src/a.ts', 'src/a.test.ts', 'src/test/setup.ts', 'src/a.md'].filter(isSource)).toEqual(['src/a.ts'])
})
