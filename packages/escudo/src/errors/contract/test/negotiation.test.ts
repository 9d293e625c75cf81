import { expect, test } from 'vitest'
import { localeChooser, prefersProblem } from '../negotiation.ts'

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
  expect(localeChooser('es', ['es', 'en'])(header)).toBe(locale)
})

test('ignores an Accept-Language header above 10,000 characters', () => {
  expect(localeChooser('es', ['es', 'en'])(`${'x,'.repeat(5_000)}en`)).toBe('es')
})

test('uses the service’s language if the client has no preference', () => {
  expect(localeChooser('en', ['en', 'es'])('*')).toBe('en')
  expect(localeChooser('en', ['en', 'es'])('es-AR;q=0.1')).toBe('es')
})

test.each([
  ['pt', 'pt-BR'],
  ['pt-PT', 'en'],
  ['PT-br', 'pt-BR'],
  ['zh-Hant-TW', 'zh-Hant'],
  ['zh', 'zh-Hant'],
  ['fr-CA, pt;q=0.5', 'fr'],
  ['fr;q=0, *', 'en'],
  ['en;q=0', 'fr'],
  ['en;q=0, fr;q=0', 'pt-BR'],
  ['e', 'en'],
  ['-', 'en'],
  ['pt;q=0, pt-BR', 'en'],
])('Accept-Language %j gives %s for an English service in four languages', (header, locale) => {
  expect(localeChooser('en', ['en', 'fr', 'pt-BR', 'zh-Hant'])(header)).toBe(locale)
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
