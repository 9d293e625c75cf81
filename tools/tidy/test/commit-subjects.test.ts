import { expect, test } from 'vitest'
import { commitSubjects, longSubjects } from '../commit-subjects.ts'
import { ROOT } from '../repository.ts'

test('accepts a subject of 72 characters and reports one of 73', () => {
  const fits = 'x'.repeat(72)
  expect(longSubjects([fits])).toEqual([])
  expect(longSubjects([fits, `${fits}y`])).toEqual([`73 characters, at most 72: ${fits}y`])
})

test('reads subjects from the history', () => {
  expect(commitSubjects(ROOT).length).toBeGreaterThan(0)
})
