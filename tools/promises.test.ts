// Checks that every promise in `test/promises` names an existing test. Fails when that test is renamed or deleted.
import { expect, test } from 'vitest'
import { PROMISES } from '../test/promises/index.ts'
import { unproved } from './promises/unproved.ts'
import { storedFiles, textFiles } from './tidy/repository.ts'

const files = textFiles(storedFiles())

test('every promise of the policies names an existing test', () => {
  expect(PROMISES.length).toBeGreaterThan(120)
  expect(unproved(PROMISES, files)).toEqual([])
})

test('no promise is listed twice', () => {
  const promises = PROMISES.map(({ promise }) => promise)
  expect(promises.filter((promise, place) => promises.indexOf(promise) !== place)).toEqual([])
})
