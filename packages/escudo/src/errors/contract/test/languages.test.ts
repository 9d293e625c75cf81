import { describe, expect, it } from 'vitest'
import { defineErrors } from '../../catalogue/catalogue.ts'
import { WellKnown } from '../../catalogue/well-known.ts'
import { createErrorContract, type ErrorContractOptions } from '../contract.ts'

const ENGLISH = defineErrors({ SOLD_OUT: { status: 409, message: { en: 'Sold out.' } } })
const PLAIN = defineErrors({ SOLD_OUT: { status: 409, message: 'Ausverkauft.' } })
const SPANISH = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado.' } } })
const THREE = defineErrors({
  SOLD_OUT: { status: 409, message: { en: 'Sold out.', fr: 'Épuisé.', 'pt-BR': 'Esgotado.' } },
  GONE: { status: 410, message: { en: 'Gone.' } },
})

type Options = Omit<ErrorContractOptions, 'service'>

/** The message and the language of the answer to an error. */
function answer(options: Options, error: Error, acceptLanguage?: string): readonly unknown[] {
  const contract = createErrorContract({ service: 'shop', ...options })
  const { body, headers } = contract.translate(error, { traceId: 'a'.repeat(32), acceptLanguage })
  return [body.message, headers['content-language']]
}

describe('the languages of a contract', () => {
  it('are those of its catalogue, in any language', () => {
    expect(answer({ errors: THREE }, new THREE.SOLD_OUT(), 'fr-CA')).toEqual(['Épuisé.', 'fr'])
    expect(answer({ errors: THREE }, new THREE.SOLD_OUT(), 'pt')).toEqual(['Esgotado.', 'pt-BR'])
    expect(answer({ errors: THREE }, new THREE.GONE(), 'fr')).toEqual(['Gone.', 'en'])
    expect(answer({ errors: THREE }, new THREE.SOLD_OUT(), 'es')).toEqual(['Sold out.', 'en'])
    expect(createErrorContract({ service: 'shop', errors: THREE }).languages).toEqual(['en', 'fr', 'pt-BR'])
  })

  it.each([
    ['English', ENGLISH, 'es', 'en'],
    ['Spanish', SPANISH, 'en', 'es'],
  ])('are one for a catalogue in %s alone, also for the errors of the library', (_, errors, requested, language) => {
    expect(answer({ errors }, new errors.SOLD_OUT(), requested)[1]).toBe(language)
    const [message, used] = answer({ errors }, new WellKnown.ROUTE_NOT_FOUND(), requested)
    expect(used).toBe(language)
    expect(message).toBe((WellKnown.ROUTE_NOT_FOUND.definition.message as Record<string, string>)[language])
  })

  it('are all of the library without an entry', () => {
    const errors = defineErrors({})
    expect(answer({ errors }, new WellKnown.ROUTE_NOT_FOUND(), 'es')[1]).toBe('es')
    expect(answer({ errors }, new WellKnown.ROUTE_NOT_FOUND())[1]).toBe('en')
    expect(answer({ errors, locale: 'es' }, new WellKnown.ROUTE_NOT_FOUND(), 'fr')[1]).toBe('es')
  })

  it('contain the language of messages that are one string: the option `locale`', () => {
    expect(answer({ errors: PLAIN, locale: 'de' }, new PLAIN.SOLD_OUT(), 'es')).toEqual(['Ausverkauft.', 'de'])
    expect(answer({ errors: PLAIN }, new PLAIN.SOLD_OUT(), 'es')).toEqual(['Ausverkauft.', 'en'])
    // Without a translation, the errors of the library are in English.
    expect(answer({ errors: PLAIN, locale: 'de' }, new WellKnown.ROUTE_NOT_FOUND())[1]).toBe('en')
  })

  it('take messages of the errors of the library, also in place of the built-in ones', () => {
    const messages = { fr: { ROUTE_NOT_FOUND: 'Route inconnue.' }, en: { ROUTE_NOT_FOUND: 'No such page.' } }
    const error = new WellKnown.ROUTE_NOT_FOUND()
    expect(answer({ errors: THREE, messages }, error, 'fr')).toEqual(['Route inconnue.', 'fr'])
    expect(answer({ errors: THREE, messages }, error, 'en')).toEqual(['No such page.', 'en'])
    expect(answer({ errors: defineErrors({}), messages }, error, 'es')[1]).toBe('es')
  })

  it("leave a service's own entry for a code of the library as it is", () => {
    const errors = defineErrors({ ROUTE_NOT_FOUND: { status: 404, message: { en: 'Ours.' } } })
    const messages = { en: { ROUTE_NOT_FOUND: 'Not this one.' } }
    expect(answer({ errors, messages }, new WellKnown.ROUTE_NOT_FOUND())).toEqual(['Ours.', 'en'])
  })

  it.each([
    ['createErrorContract.locale', { locale: 'the english' }],
    ['createErrorContract.messages', { messages: [] }],
    ['createErrorContract.messages.x', { messages: { x: {} } }],
    ['createErrorContract.messages.fr', { messages: { fr: 'text' } }],
    ['createErrorContract.messages.fr.route', { messages: { fr: { route: 'x' } } }],
    ['createErrorContract.messages.fr.CIRCUIT_OPEN.fr', { messages: { fr: { CIRCUIT_OPEN: '' } } }],
  ])('reject an invalid %s', (path, options) => {
    expect(() => createErrorContract({ service: 'shop', errors: ENGLISH, ...(options as object) })).toThrow(path)
  })

  it('reject a message under something that is no language', () => {
    expect(() => defineErrors({ SOLD_OUT: { status: 409, message: { 'not a language': 'x' } } })).toThrow(
      'defineErrors.SOLD_OUT.message.not a language',
    )
  })
})
