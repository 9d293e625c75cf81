import { ConfigurationError } from 'escudo'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorOf, FUNCTIONS } from './public-functions.ts'

// What every public function does with options that are wrong. A mistake in JavaScript, or behind a cast, must be an
// error that names the option, and never the default in its place.

const refusal = (path: string, error: unknown): void => {
  expect(error).toBeInstanceOf(ConfigurationError)
  expect(error).toBeInstanceOf(TypeError)
  expect((error as ConfigurationError).path).toBe(path)
  expect((error as Error).message.startsWith(`${path}: `)).toBe(true)
}

describe.each(FUNCTIONS.map((entry) => [entry.path, entry] as const))('%s', (path, { call, options, open }) => {
  const withOption = (name: string, value: unknown) => errorOf(() => call({ ...options, [name]: value } as never))

  test('accepts every known option', async () => {
    expect(await errorOf(() => call(options as never))).toBe('no error')
  })

  test('refuses every misspelled option, and suggests the right one', async () => {
    for (const name of Object.keys(options)) {
      if (name.length < 3) continue
      const typos = [name.slice(0, -1), `${name}x`, `${name.slice(0, 1)}${name.slice(2)}`, name.toUpperCase()]
      for (const typo of typos.filter((text) => text.length > 2 && !(text in options))) {
        const error = await withOption(typo, 1)
        refusal(`${path}.${typo}`, error)
        expect((error as Error).message).toContain('no such option; known here: ')
        if (typo.length > 3) expect((error as Error).message).toMatch(/; did you mean '\w+'\?$/)
      }
    }
  })

  test.runIf(open === undefined)('refuses any other option, and lists the known ones', async () => {
    for (const name of ['zzz', '__proto__x', 'constructor', 'timeoutMilliseconds']) {
      const error = await withOption(name, undefined)
      refusal(`${path}.${name}`, error)
      for (const known of Object.keys(options)) expect((error as Error).message).toContain(known)
    }
  })

  test('refuses null, text, a number, an array and a boolean in place of options', async () => {
    // These options accept a duration or text too.
    const isShort = /openFor|after|window|message|^shield$/.test(path)
    for (const wrong of [null, Number.NaN, [], true, ...(isShort ? [] : [5, 'text'])]) {
      const error = await errorOf(() => call(wrong as never))
      expect([wrong, error]).toEqual([wrong, expect.any(ConfigurationError)])
    }
  })

  test('refuses null for every option', async () => {
    for (const name of Object.keys(options)) refusal(`${path}.${name}`, await withOption(name, null))
  })

  test('refuses a value of another type for every option, and never uses the default', async () => {
    for (const [name, valid] of Object.entries(options)) {
      const others: unknown[] = [Symbol('s'), 5n]
      if (typeof valid === 'boolean' && name !== 'trustInbound') others.push('false', 'true', 0, 1, '', [], {})
      if (typeof valid === 'number') others.push(`${valid}`, Number.NaN, Number.POSITIVE_INFINITY, [], {}, true)
      if (typeof valid === 'function') others.push('f', 1, {}, [])
      if (typeof valid === 'string' && name !== 'after') others.push('', [], true, Number.NaN)
      for (const other of others) {
        // A key is any text, also an empty one; a priority may be infinite.
        if (path === 'run' && (other === '' || other === Number.POSITIVE_INFINITY)) continue
        if (path === 'route' && other === '') continue
        const error = await withOption(name, other)
        expect([name, other, error]).toEqual([name, other, expect.any(ConfigurationError)])
        // The policies of a standard shield check their own options.
        if (path !== 'standardShield') expect((error as ConfigurationError).path).toContain(name)
      }
    }
  })
})

test('whatever is misspelled by one edit, the error names it', async () => {
  const closed = FUNCTIONS.filter(({ open }) => open === undefined)
  const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ_0')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...closed),
      fc.nat(),
      fc.nat(),
      letter,
      fc.nat(2),
      async (entry, pick, at, added, edit) => {
        const names = Object.keys(entry.options)
        const name = names[pick % names.length] as string
        const index = at % name.length
        const typo = name.slice(0, index) + (edit === 0 ? '' : added) + name.slice(index + (edit === 1 ? 0 : 1))
        if (names.includes(typo) || typo === '') return
        // Options that the table leaves out, because they conflict with another one.
        if (['perKey', 'file', 'rampedMs', 'calls'].includes(typo)) return
        refusal(`${entry.path}.${typo}`, await errorOf(() => entry.call({ ...entry.options, [typo]: 1 } as never)))
      },
    ),
    { numRuns: 2_000 },
  )
})
