import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOwnOrigin } from '../origin.ts'

const own = (headers: Readonly<Record<string, string>>, hosts: readonly string[] = []): boolean =>
  isOwnOrigin(headers, hosts)

describe('isOwnOrigin', () => {
  it.each([
    { host: 'localhost:8000' },
    { host: 'LOCALHOST' },
    { host: 'shop.localhost:8000' },
    { host: '10.0.0.7' },
    { host: '[::1]:8000' },
    { ':authority': 'localhost:8000' },
    { host: 'localhost:8000', 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8000' },
    { host: 'localhost:8000', 'sec-fetch-site': 'none' },
    // A proxy has ended TLS, and its clients omit the default port.
    { host: 'localhost', origin: 'https://localhost' },
    { host: 'localhost:443', origin: 'https://localhost' },
    { host: 'localhost', origin: 'http://localhost:80' },
  ])('accepts %j', (headers) => {
    expect(own(headers as unknown as Record<string, string>)).toBe(true)
  })

  it.each([
    {},
    { host: '' },
    { host: 'shop.internal' },
    { host: 'evil.example', origin: 'http://evil.example' },
    { host: 'localhost.evil.example' },
    { host: '127.0.0.1.evil.example' },
    { host: '2130706433.evil.example' },
    { host: 'localhost:8000', origin: '' },
    { host: 'localhost:8000', origin: 'null' },
    { host: 'localhost:8000', origin: 'file://' },
    { host: 'localhost:8000', origin: 'http://localhost:8001' },
    { host: 'localhost:8000', origin: 'http://localhost' },
    { host: 'localhost:8000', origin: 'http://127.0.0.1:8000' },
    { host: 'localhost:8000', origin: 'http://localhost:8000, http://evil.example' },
    { host: 'localhost:8000', origin: 'http://localhost:8000@evil.example' },
    { host: 'localhost:8000', origin: 'http://localhost:8000/' },
    { host: 'localhost:8000', 'sec-fetch-site': 'same-site' },
    { host: 'localhost:8000', 'sec-fetch-site': 'cross-site' },
    { host: 'localhost:8000', 'sec-fetch-site': 'same-origin, cross-site' },
    { host: 'localhost:8000', 'sec-fetch-site': '' },
  ])('refuses %j', (headers) => {
    expect(own(headers as unknown as Record<string, string>)).toBe(false)
  })

  it('property: refuses every origin but its own, and every name that it does not know', () => {
    const host = '127.0.0.1:8000'
    const port = fc.option(
      fc.nat(65_535).map((number) => `:${number}`),
      { nil: '' },
    )
    const site = fc.tuple(fc.domain(), port).map((parts) => parts.join(''))
    const scheme = fc.constantFrom('http', 'https', 'ftp', '')
    fc.assert(
      fc.property(site, fc.string(), scheme, (name, text, start) => {
        expect(own({ host, origin: `${start}://${name}` })).toBe(false)
        expect(own({ host, origin: text })).toBe(false)
        expect(own({ host: name, origin: `http://${name}`, 'sec-fetch-site': 'same-origin' })).toBe(false)
        expect(own({ host: name })).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it('knows the names that the service has told it, with one port or with any', () => {
    expect(own({ host: 'shop.internal:8000' }, ['shop.internal'])).toBe(true)
    expect(own({ host: 'Shop.Internal.' }, ['shop.internal'])).toBe(true)
    expect(own({ host: 'shop.internal:8000' }, ['shop.internal:8000'])).toBe(true)
    expect(own({ host: 'shop.internal:9000' }, ['shop.internal:8000'])).toBe(false)
    expect(own({ host: 'evil.shop.internal' }, ['shop.internal'])).toBe(false)
  })
})
