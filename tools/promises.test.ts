// From each promise to the test that proves it: `test/promises`. A test that is renamed or deleted takes a promise with
// it, and is missed here.
import { expect, test } from 'vitest'
import { PROMISES } from '../test/promises/index.ts'
import { unproved } from './promises/unproved.ts'
import { storedFiles, textFiles } from './tidy/repository.ts'

const files = textFiles(storedFiles())

test('every promise of the policies has a test that proves it', () => {
  expect(PROMISES.length).toBeGreaterThan(120)
  expect(unproved(PROMISES, files)).toEqual([])
})

test('no promise is listed twice', () => {
  const promises = PROMISES.map(({ promise }) => promise)
  expect(promises.filter((promise, place) => promises.indexOf(promise) !== place)).toEqual([])
})
