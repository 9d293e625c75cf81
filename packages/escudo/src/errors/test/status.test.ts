import { expect, test } from 'vitest'
import { codeOfStatus, isErrorStatus, phraseOf } from '../status.ts'

test.each([
  [400, true],
  [599, true],
  [399, false],
  [600, false],
  [404.5, false],
  ['404', false],
  [undefined, false],
])('isErrorStatus(%s) is %s', (value, expected) => {
  expect(isErrorStatus(value)).toBe(expected)
})

test('knows the registered phrases, and names an unknown status by its class', () => {
  expect([404, 503, 418, 499, 599].map(phraseOf)).toEqual([
    'Not Found',
    'Service Unavailable',
    expect.any(String),
    'Client Error',
    'Server Error',
  ])
})

test('derives a code from the phrase', () => {
  expect([404, 505, 599].map(codeOfStatus)).toEqual(['NOT_FOUND', 'HTTP_VERSION_NOT_SUPPORTED', 'SERVER_ERROR'])
})
