import { expect, test } from 'vitest'
import { Errors } from '../catalogue.ts'

test.each(Object.entries(Errors))('%s has a message in both languages with the same placeholders', (_name, entry) => {
  const { message } = entry.definition
  const { es = '', en = '' } = typeof message === 'string' ? {} : message
  const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
  expect(es).not.toBe('')
  expect(en).not.toBe('')
  expect(en).not.toBe(es)
  expect(placeholders(en)).toEqual(placeholders(es))
})
