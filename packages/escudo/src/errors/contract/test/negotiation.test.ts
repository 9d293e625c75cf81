import { expect, test } from 'vitest'
import { negotiateLocale, prefersProblem } from '../negotiation.ts'

test.each([
  [undefined, 'es'],
  ['', 'es'],
  ['*', 'es'],
  ['en', 'en'],
  ['en-GB', 'en'],
  ['EN', 'en'],
  ['es-MX', 'es'],
  ['fr', 'es'],
  ['fr, en;q=0.5', 'en'],
  ['en;q=0.3, es;q=0.9', 'es'],
  ['es;q=0.3, en;q=0.9', 'en'],
  ['en;q=0', 'es'],
  ['es;q=0', 'en'],
  ['es;q=0, *', 'en'],
  ['es;q=0, en;q=0', 'es'],
  ['en;q=0.4, *', 'es'],
  ['en;q=.9', 'en'],
  ['en;q=1.', 'en'],
  ['en;q=0.98765', 'en'],
  ['en; q = .9', 'en'],
  ['EN;Q=.9', 'en'],
  ['es;q=.1, en;q=.9', 'en'],
  ['en;q=.0', 'es'],
  ['en;q=0.', 'es'],
  ['es;q=00.000, en;q=1.0000', 'en'],
  ['en;q=-1', 'es'],
  ['en;q=1e3', 'es'],
  ['en;q=', 'es'],
  ['en;q=banana', 'es'],
  ['en;q=2', 'es'],
  [';;;,,,q=1', 'es'],
  [['en'], 'es'],
])('Accept-Language %j gives %s for a Spanish service', (header, locale) => {
  expect(negotiateLocale(header, 'es')).toBe(locale)
})

test('ignores an Accept-Language header above 10,000 characters', () => {
  expect(negotiateLocale(`${'x,'.repeat(5_000)}en`, 'es')).toBe('es')
})

test('uses the service’s language if the client has no preference', () => {
  expect(negotiateLocale('*', 'en')).toBe('en')
  expect(negotiateLocale('es-AR;q=0.1', 'en')).toBe('es')
})

test.each([
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['application/problem+json', true],
  ['application/problem+json, */*', true],
  ['application/problem+json, application/*', true],
  ['application/problem+json;q=0.5, application/json', false],
  ['application/json;q=0.5, application/problem+json', true],
  ['application/json, application/problem+json', false],
  ['application/problem+json;q=0', false],
  ['application/problem+json;q=.9, application/json;q=.5', true],
  ['application/problem+json;q=.4, application/json;q=.5', false],
  ['application/problem+json;q=.0', false],
  ['application/problem+json; Q = 1. , application/json;q=.9', true],
  ['application/*', false],
  ['text/html', false],
  ['APPLICATION/PROBLEM+JSON', true],
])('Accept %j prefers problem+json: %s', (header, expected) => {
  expect(prefersProblem(header)).toBe(expected)
})

test('ignores an Accept header of 100,000 characters', () => {
  expect(prefersProblem('a'.repeat(100_000))).toBe(false)
})
